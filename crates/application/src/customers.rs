//! Reading accounts.

use domain::Customer;

use crate::{Application, Caller, Failure};

impl Application {
    /// The caller's own account; none once it is anonymised.
    ///
    /// # Errors
    ///
    /// Only when it could not be carried out.
    pub async fn find_own_customer(&self, caller: &Caller) -> Result<Option<Customer>, Failure> {
        let customer = self.store().find_customer(caller.id).await?;
        Ok(customer.filter(|customer| !matches!(customer, Customer::Anonymised(_))))
    }
}
