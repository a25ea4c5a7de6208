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
        phone_canonical -> Nullable<Text>,
        subscribed_to_newsletter -> Bool,
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
        is_code -> Bool,
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

diesel::table! {
    products (id) {
        id -> BigInt,
        sku -> Text,
        abstract_sku -> Text,
        tax_rate -> Integer,
        stock -> Nullable<BigInt>,
        image -> Nullable<Text>,
        is_demo -> Bool,
        updated_at -> BigInt,
    }
}

diesel::table! {
    product_prices (product_id, currency) {
        product_id -> BigInt,
        currency -> Text,
        gross -> Nullable<BigInt>,
        net -> Nullable<BigInt>,
    }
}

diesel::table! {
    product_names (product_id, locale) {
        product_id -> BigInt,
        locale -> Text,
        name -> Text,
    }
}

diesel::table! {
    carts (id) {
        id -> BigInt,
        uuid -> Text,
        customer_id -> Nullable<BigInt>,
        guest -> Nullable<Binary>,
        returns_to -> Nullable<Binary>,
        name -> Text,
        price_mode -> Text,
        currency -> Text,
        store -> Text,
        is_default -> Bool,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        changed_on -> Integer,
    }
}

diesel::table! {
    cart_items (id) {
        id -> BigInt,
        cart_id -> BigInt,
        sku -> Text,
        abstract_sku -> Text,
        quantity -> Integer,
        unit_price -> BigInt,
        tax_rate -> Integer,
    }
}

diesel::table! {
    customer_images (customer_id) {
        customer_id -> BigInt,
        data -> Text,
    }
}

diesel::table! {
    newsletter_subscriptions (id) {
        id -> BigInt,
        customer_id -> BigInt,
        email -> Text,
        email_canonical -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    storefront_keys (id) {
        id -> BigInt,
        name -> Text,
        digest -> Binary,
        beginning -> Text,
        request_limit -> Integer,
        allowed_networks -> Text,
        expires_at -> Nullable<BigInt>,
        superseded_at -> Nullable<BigInt>,
        disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    bearer_tokens (id) {
        id -> BigInt,
        customer_id -> BigInt,
        digest -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    merchants (id) {
        id -> BigInt,
        name -> Text,
        disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    merchant_clients (client_id) {
        client_id -> Text,
        merchant_id -> BigInt,
        secret_digest -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    merchant_operators (username) {
        username -> Text,
        merchant_id -> BigInt,
        password_hash -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    merchant_refresh_tokens (digest) {
        digest -> Binary,
        family -> Text,
        merchant_id -> BigInt,
        client_id -> Text,
        scope -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    merchant_users (id) {
        id -> BigInt,
        merchant_id -> BigInt,
        customer_id -> Nullable<BigInt>,
        additional_type -> Nullable<Text>,
        additional_data -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::joinable!(one_time_secrets -> customers (customer_id));
diesel::joinable!(outbox -> customers (customer_id));
diesel::joinable!(refresh_tokens -> customers (customer_id));
diesel::joinable!(product_prices -> products (product_id));
diesel::joinable!(cart_items -> carts (cart_id));
diesel::joinable!(carts -> customers (customer_id));
diesel::joinable!(bearer_tokens -> customers (customer_id));
diesel::joinable!(customer_images -> customers (customer_id));
diesel::joinable!(newsletter_subscriptions -> customers (customer_id));
diesel::joinable!(merchant_clients -> merchants (merchant_id));
diesel::joinable!(merchant_operators -> merchants (merchant_id));
diesel::joinable!(merchant_users -> customers (customer_id));
diesel::allow_tables_to_appear_in_same_query!(
    customers,
    one_time_secrets,
    outbox,
    refresh_tokens,
    carts,
    cart_items,
    bearer_tokens,
    customer_images,
    newsletter_subscriptions,
    merchant_users,
);
diesel::allow_tables_to_appear_in_same_query!(products, product_prices, product_names);
diesel::allow_tables_to_appear_in_same_query!(merchants, merchant_clients, merchant_operators);
