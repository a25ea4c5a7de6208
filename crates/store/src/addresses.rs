//! A customer's address book.

use diesel::prelude::*;
use domain::{Address, AddressChanges, AddressFields, AddressId, Country, CustomerId, Salutation, Timestamp};

use crate::StoreError;
use crate::engine::{Store, on_both, read, unit};
use crate::error::Unit;
use crate::schema::addresses;

/// An address to be added. No `Debug`: it is personal throughout.
#[derive(Clone)]
pub struct NewAddress {
    /// Its identity.
    pub id: AddressId,
    /// What is written on a parcel.
    pub fields: AddressFields,
    /// Whether it is to become the default for bills. The first address does anyway.
    pub default_billing: bool,
    /// Whether it is to become the default for parcels. The first address does anyway.
    pub default_shipping: bool,
    /// When this happens.
    pub now: Timestamp,
}

/// What became of a new address.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum InsertAddress {
    /// It is stored.
    Inserted(Address),
    /// The address book holds as many as it may.
    Full,
    /// The customer is gone.
    Gone,
}

impl Store {
    /// Adds an address to a customer's address book, which holds `max` at most. It becomes a default where it is to,
    /// and where the customer has none yet; the former default is then an ordinary address.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn insert_address(
        &self,
        customer: CustomerId,
        address: NewAddress,
        max: i64,
    ) -> Result<InsertAddress, StoreError> {
        Ok(unit!(self, insert_address(customer, &address, max))?)
    }

    /// A customer's addresses, the oldest first.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn list_addresses(&self, customer: CustomerId) -> Result<Vec<Address>, StoreError> {
        let rows = read!(self, list_addresses(customer))?;
        rows.into_iter().map(AddressRow::into_address).collect()
    }

    /// An address, if it is the customer's.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_address(&self, customer: CustomerId, id: &AddressId) -> Result<Option<Address>, StoreError> {
        let id = id.clone();
        read!(self, find_address(customer, &id))?.map(AddressRow::into_address).transpose()
    }

    /// Changes an address, if it is the customer's. One that becomes a default ends the former one.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn update_address(
        &self,
        customer: CustomerId,
        id: &AddressId,
        changes: AddressChanges,
        now: Timestamp,
    ) -> Result<Option<Address>, StoreError> {
        let id = id.clone();
        unit!(self, update_address(customer, &id, &changes, now))?.map(AddressRow::into_address).transpose()
    }

    /// Removes an address, if it is the customer's; otherwise `false`. No other one becomes the default in its place.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn delete_address(&self, customer: CustomerId, id: &AddressId) -> Result<bool, StoreError> {
        let id = id.clone();
        Ok(unit!(self, delete_address(customer, &id))?)
    }
}

/// A row of `addresses`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = addresses)]
struct AddressRow {
    uuid: String,
    salutation: Option<String>,
    first_name: String,
    last_name: String,
    address1: String,
    address2: String,
    address3: Option<String>,
    zip_code: String,
    city: String,
    company: Option<String>,
    phone: Option<String>,
    iso2_code: String,
    is_default_billing: bool,
    is_default_shipping: bool,
    created_at: i64,
    updated_at: i64,
}

impl AddressRow {
    fn into_address(self) -> Result<Address, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "addresses", column };
        let salutation =
            self.salutation.map(|name| Salutation::parse(&name).ok_or(corrupt("salutation"))).transpose()?;
        Ok(Address {
            id: AddressId::parse(&self.uuid).ok_or(corrupt("uuid"))?,
            fields: AddressFields {
                salutation,
                first_name: self.first_name,
                last_name: self.last_name,
                address1: self.address1,
                address2: self.address2,
                address3: self.address3,
                zip_code: self.zip_code,
                city: self.city,
                company: self.company,
                phone: self.phone,
                country: Country::parse(&self.iso2_code).ok_or(corrupt("iso2_code"))?,
            },
            is_default_billing: self.is_default_billing,
            is_default_shipping: self.is_default_shipping,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        })
    }
}

on_both! {
    use [customers::{lock_customer}];

    pub(super) fn insert_address(
        connection: &mut Connection,
        customer: CustomerId,
        address: &NewAddress,
        max: i64,
    ) -> Unit<InsertAddress> {
        if lock_customer(connection, customer.0)?.is_none() {
            return Ok(InsertAddress::Gone);
        }
        let defaults: Vec<(bool, bool)> = addresses::table
            .filter(addresses::customer_id.eq(customer.0))
            .select((addresses::is_default_billing, addresses::is_default_shipping))
            .load(connection)?;
        if i64::try_from(defaults.len()).unwrap_or(i64::MAX) >= max {
            return Ok(InsertAddress::Full);
        }
        let billing = address.default_billing || !defaults.iter().any(|(billing, _)| *billing);
        let shipping = address.default_shipping || !defaults.iter().any(|(_, shipping)| *shipping);
        end_defaults(connection, customer, billing, shipping)?;
        let fields = &address.fields;
        let row: AddressRow = diesel::insert_into(addresses::table)
            .values((
                (
                    addresses::uuid.eq(address.id.as_str()),
                    addresses::customer_id.eq(customer.0),
                    addresses::is_default_billing.eq(billing),
                    addresses::is_default_shipping.eq(shipping),
                    addresses::created_at.eq(address.now.as_micros()),
                    addresses::updated_at.eq(address.now.as_micros()),
                ),
                (
                    addresses::salutation.eq(fields.salutation.map(Salutation::as_str)),
                    addresses::first_name.eq(&fields.first_name),
                    addresses::last_name.eq(&fields.last_name),
                    addresses::address1.eq(&fields.address1),
                    addresses::address2.eq(&fields.address2),
                    addresses::address3.eq(&fields.address3),
                    addresses::zip_code.eq(&fields.zip_code),
                    addresses::city.eq(&fields.city),
                    addresses::company.eq(&fields.company),
                    addresses::phone.eq(&fields.phone),
                    addresses::iso2_code.eq(fields.country.code()),
                ),
            ))
            .returning(AddressRow::as_returning())
            .get_result(connection)?;
        Ok(InsertAddress::Inserted(row.into_address()?))
    }

    /// Makes room for a new default of either kind.
    fn end_defaults(connection: &mut Connection, customer: CustomerId, billing: bool, shipping: bool) -> Unit<()> {
        let own = addresses::table.filter(addresses::customer_id.eq(customer.0));
        if billing {
            diesel::update(own.filter(addresses::is_default_billing))
                .set(addresses::is_default_billing.eq(false))
                .execute(connection)?;
        }
        if shipping {
            diesel::update(own.filter(addresses::is_default_shipping))
                .set(addresses::is_default_shipping.eq(false))
                .execute(connection)?;
        }
        Ok(())
    }

    pub(super) fn list_addresses(connection: &mut Connection, customer: CustomerId) -> Unit<Vec<AddressRow>> {
        Ok(addresses::table
            .filter(addresses::customer_id.eq(customer.0))
            .order(addresses::id)
            .select(AddressRow::as_select())
            .load(connection)?)
    }

    pub(super) fn find_address(
        connection: &mut Connection,
        customer: CustomerId,
        id: &AddressId,
    ) -> Unit<Option<AddressRow>> {
        Ok(addresses::table
            .filter(addresses::uuid.eq(id.as_str()))
            .filter(addresses::customer_id.eq(customer.0))
            .select(AddressRow::as_select())
            .first(connection)
            .optional()?)
    }

    pub(super) fn update_address(
        connection: &mut Connection,
        customer: CustomerId,
        id: &AddressId,
        changes: &AddressChanges,
        now: Timestamp,
    ) -> Unit<Option<AddressRow>> {
        if lock_customer(connection, customer.0)?.is_none() || find_address(connection, customer, id)?.is_none() {
            return Ok(None);
        }
        end_defaults(connection, customer, changes.default_billing, changes.default_shipping)?;
        let own = addresses::table
            .filter(addresses::uuid.eq(id.as_str()))
            .filter(addresses::customer_id.eq(customer.0));
        Ok(diesel::update(own)
            .set((
                changes.salutation.map(|salutation| addresses::salutation.eq(salutation.as_str())),
                changes.first_name.as_ref().map(|name| addresses::first_name.eq(name)),
                changes.last_name.as_ref().map(|name| addresses::last_name.eq(name)),
                changes.address1.as_ref().map(|line| addresses::address1.eq(line)),
                changes.address2.as_ref().map(|line| addresses::address2.eq(line)),
                changes.address3.as_ref().map(|line| addresses::address3.eq(line)),
                changes.zip_code.as_ref().map(|code| addresses::zip_code.eq(code)),
                changes.city.as_ref().map(|city| addresses::city.eq(city)),
                changes.company.as_ref().map(|company| addresses::company.eq(company)),
                changes.phone.as_ref().map(|phone| addresses::phone.eq(phone)),
                changes.country.map(|country| addresses::iso2_code.eq(country.code())),
                changes.default_billing.then_some(addresses::is_default_billing.eq(true)),
                changes.default_shipping.then_some(addresses::is_default_shipping.eq(true)),
                addresses::updated_at.eq(now.as_micros()),
            ))
            .returning(AddressRow::as_returning())
            .get_result(connection)
            .optional()?)
    }

    /// Locks the customer, so that nobody takes the default away from an address that goes at the same time.
    pub(super) fn delete_address(connection: &mut Connection, customer: CustomerId, id: &AddressId) -> Unit<bool> {
        if lock_customer(connection, customer.0)?.is_none() {
            return Ok(false);
        }
        let own = addresses::table
            .filter(addresses::uuid.eq(id.as_str()))
            .filter(addresses::customer_id.eq(customer.0));
        Ok(diesel::delete(own).execute(connection)? == 1)
    }
}
