//! The tables as diesel knows them. The migrations say what each column is for.

diesel::table! {
    customers (id) {
        id -> BigInt,
        reference_prefix -> Text,
        imported_reference -> Nullable<Text>,
        reference -> Text,
        email -> Text,
        email_canonical -> Text,
        password_hash -> Nullable<Text>,
        salutation -> Nullable<Text>,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        gender -> Nullable<Text>,
        date_of_birth -> Nullable<Text>,
        phone -> Nullable<Text>,
        company -> Nullable<Text>,
        locale -> Text,
        store -> Text,
        confirmed_at -> Nullable<BigInt>,
        suspended_at -> Nullable<BigInt>,
        anonymised_at -> Nullable<BigInt>,
        tokens_ended_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    one_time_secrets (id) {
        id -> BigInt,
        customer_id -> BigInt,
        purpose -> Text,
        digest -> Binary,
        code_digest -> Nullable<Binary>,
        code_tries_left -> Integer,
        expires_at -> Nullable<BigInt>,
        used_at -> Nullable<BigInt>,
        created_at -> BigInt,
        email -> Nullable<Text>,
    }
}

diesel::table! {
    consents (id) {
        id -> BigInt,
        customer_id -> BigInt,
        purpose -> Text,
        channel -> Text,
        given_at -> BigInt,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        kind -> Text,
        customer_id -> BigInt,
        message_id -> Text,
        state -> Text,
        attempts -> Integer,
        due_at -> BigInt,
        leased_until -> Nullable<BigInt>,
        leased_by -> Nullable<Text>,
        note -> Nullable<Text>,
        created_at -> BigInt,
        email -> Nullable<Text>,
    }
}

diesel::table! {
    timeline (id) {
        id -> BigInt,
        customer_id -> BigInt,
        at -> BigInt,
        kind -> Text,
        message -> Nullable<Text>,
        address -> Nullable<Text>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    refresh_tokens (digest) {
        digest -> Binary,
        family -> Text,
        customer_id -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    budgets (key) {
        key -> Binary,
        used -> Integer,
        window_ends_at -> BigInt,
    }
}

diesel::table! {
    addresses (id) {
        id -> BigInt,
        uuid -> Text,
        customer_id -> BigInt,
        salutation -> Nullable<Text>,
        first_name -> Text,
        last_name -> Text,
        address1 -> Text,
        address2 -> Text,
        address3 -> Nullable<Text>,
        zip_code -> Text,
        city -> Text,
        company -> Nullable<Text>,
        phone -> Nullable<Text>,
        iso2_code -> Text,
        is_default_billing -> Bool,
        is_default_shipping -> Bool,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::joinable!(one_time_secrets -> customers (customer_id));
diesel::joinable!(outbox -> customers (customer_id));
diesel::joinable!(refresh_tokens -> customers (customer_id));
diesel::allow_tables_to_appear_in_same_query!(customers, one_time_secrets, outbox, refresh_tokens);
