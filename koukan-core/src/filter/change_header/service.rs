use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tower::Service;

use crate::{
    blob::Account,
    body::{Body, BodyError},
    message::{header_edit::HeaderEdit, opening::SEPARATOR_MAX},
    reply::Reply,
    service::MailService,
    signals::Signals,
    transaction::Transaction,
};

/// Changes header sections; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct ChangeHeader<S> {
    inner: S,
    edit: Arc<HeaderEdit>,
}

impl<S> ChangeHeader<S> {
    pub(super) fn new(inner: S, edit: Arc<HeaderEdit>) -> Self {
        Self { inner, edit }
    }
}

impl<S: MailService> Service<Transaction> for ChangeHeader<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut tx: Transaction) -> S::Future {
        let growth = self.edit.added().len() + SEPARATOR_MAX;
        let parameters = &mut tx.mail.request_mut().parameters;
        parameters.grow_size(growth as u64);
        let (edit, signals) = (Arc::clone(&self.edit), tx.signals.clone());
        self.inner
            .call(tx.map_body(|body| body.then(|body| change(body, edit, signals))))
    }
}

async fn change(
    mut body: Body,
    edit: Arc<HeaderEdit>,
    signals: Signals,
) -> Result<Body, BodyError> {
    let mut held = signals.account().map(Account::hold);
    let mut header = body.header_held(held.as_mut()).await?;
    header.apply(&edit);
    body.set_header(&header);
    Ok(body)
}
