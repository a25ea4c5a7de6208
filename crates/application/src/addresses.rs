//! The address book of a customer.

use domain::{Address, AddressChanges, AddressFields, AddressId, Confirmed};
use store::{InsertAddress, NewAddress};

use crate::{Application, Caller, Failure, OwnCustomerError};

/// Why nothing was done in an address book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// The caller has no account (any more).
    Own(OwnCustomerError),
    /// The caller has no such address.
    NotFound,
    /// The book holds as many addresses as `accounts.max_addresses` allows.
    Full,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for AddressError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<OwnCustomerError> for AddressError {
    fn from(error: OwnCustomerError) -> Self {
        match error {
            OwnCustomerError::Failure(failure) => Self::Failure(failure),
            error => Self::Own(error),
        }
    }
}

impl Application {
    /// The caller's addresses, oldest first.
    ///
    /// # Errors
    ///
    /// When the caller has no account.
    pub async fn list_addresses(&self, caller: &Caller) -> Result<Vec<Address>, AddressError> {
        let customer = self.find_own_customer(caller).await?;
        Ok(self.addresses_of(&customer).await?)
    }

    /// The addresses of a customer who was found just now, oldest first.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn addresses_of(&self, customer: &Confirmed) -> Result<Vec<Address>, Failure> {
        Ok(self.store().list_addresses(customer.account().id).await?)
    }

    /// One of the caller's addresses.
    ///
    /// # Errors
    ///
    /// When the caller has no account, or no such address.
    pub async fn find_address(&self, caller: &Caller, id: &str) -> Result<Address, AddressError> {
        self.find_own_customer(caller).await?;
        let id = AddressId::parse(id).ok_or(AddressError::NotFound)?;
        self.store().find_address(caller.id, &id).await?.ok_or(AddressError::NotFound)
    }

    /// Adds an address to the caller's. It becomes the default where that is wished, or where there is none yet.
    ///
    /// # Errors
    ///
    /// When the caller has no account, or as many addresses as are allowed.
    pub async fn insert_address(
        &self,
        caller: &Caller,
        fields: AddressFields,
        default_billing: bool,
        default_shipping: bool,
    ) -> Result<Address, AddressError> {
        let parts = self.parts();
        self.find_own_customer(caller).await?;
        let id = AddressId::generate(&*parts.randomness);
        let address = NewAddress { id, fields, default_billing, default_shipping, now: parts.clock.now() };
        match self.store().insert_address(caller.id, address, parts.accounts.max_addresses).await? {
            InsertAddress::Inserted(address) => Ok(address),
            InsertAddress::Full => Err(AddressError::Full),
            InsertAddress::Gone => Err(OwnCustomerError::Gone.into()),
        }
    }

    /// Changes one of the caller's addresses. What becomes a default takes that from the one before; what is one stays one.
    ///
    /// # Errors
    ///
    /// When the caller has no account, or no such address.
    pub async fn update_address(
        &self,
        caller: &Caller,
        id: &str,
        changes: AddressChanges,
    ) -> Result<Address, AddressError> {
        self.find_own_customer(caller).await?;
        let id = AddressId::parse(id).ok_or(AddressError::NotFound)?;
        let updated = self.store().update_address(caller.id, &id, changes, self.clock().now()).await?;
        updated.ok_or(AddressError::NotFound)
    }

    /// Removes one of the caller's addresses. Where it was a default, there is none afterwards.
    ///
    /// # Errors
    ///
    /// When the caller has no account, or no such address.
    pub async fn delete_address(&self, caller: &Caller, id: &str) -> Result<(), AddressError> {
        self.find_own_customer(caller).await?;
        let id = AddressId::parse(id).ok_or(AddressError::NotFound)?;
        let deleted = self.store().delete_address(caller.id, &id).await?;
        if deleted { Ok(()) } else { Err(AddressError::NotFound) }
    }
}
