//! The second door.

use domain::{CustomerId, LinkKey};

use crate::{Application, Failure};

/// Why nothing was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmError {
    /// The key was never issued, is used, expired or void, or another claim won the address. Which of these is not told.
    Refused,
    /// It could not be carried out.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for ConfirmError {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl Application {
    /// Confirms the claim whose mail carried `key`: promotes it, removes the other claims on its address, voids its keys.
    ///
    /// # Errors
    ///
    /// [`ConfirmError::Refused`], the one refusal.
    pub async fn confirm(&self, key: &str) -> Result<CustomerId, ConfirmError> {
        let key = LinkKey::parse(key).ok_or(ConfirmError::Refused)?;
        let confirmed = self.store().confirm_by_key(key.digest(), self.clock().now()).await?;
        confirmed.ok_or(ConfirmError::Refused)
    }
}
