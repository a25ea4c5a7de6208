//! The second door.

use domain::{CustomerId, LinkKey};

use crate::{Application, Failure};

/// Why nothing was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmError {
    /// The key was never issued, is used, expired or void, or another claim or account won the address. Which of these is not told.
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
    /// Confirms the claim whose mail carried `key`: promotes it, removes the other claims on its address, voids its keys. A key
    /// that was mailed to the new address of an account moves the account there.
    ///
    /// # Errors
    ///
    /// [`ConfirmError::Refused`], the one refusal.
    pub async fn confirm(&self, key: &str) -> Result<CustomerId, ConfirmError> {
        let key = LinkKey::parse(key).ok_or(ConfirmError::Refused)?;
        let now = self.clock().now();
        if let Some(confirmed) = self.store().confirm_by_key(key.digest(), now).await? {
            return Ok(confirmed);
        }
        let moved = self.store().confirm_email_change(key.digest(), now).await?;
        moved.ok_or(ConfirmError::Refused)
    }
}
