//! What all requests share.

use std::sync::Arc;

use axum::http::{HeaderMap, Uri};
use koukan_core::causes::Causes;
use koukan_core::resource::{
    Caller, Operation, Refusal, ResourceRequest, ResourceResponse, ResourceService,
};
use tower::{BoxError, ServiceExt, util::BoxCloneSyncService};

use crate::auth::Auth;

use super::{
    ServerSettings,
    answer::Manner,
    base::Base,
    field::view,
    host::{Hosts, named},
    problem::Problem,
};

type Resource = BoxCloneSyncService<ResourceRequest, ResourceResponse, BoxError>;

/// What all requests share; clones are the same, and cost next to nothing: each layer has one for
/// each request.
#[derive(Clone)]
pub(super) struct Shared {
    service: Arc<Resource>,
    pub(super) settings: Arc<ServerSettings>,
    pub(super) auth: Option<Auth>,
    hosts: Arc<Hosts>,
}

impl Shared {
    pub(super) fn new(service: impl ResourceService, settings: ServerSettings) -> Self {
        Self {
            service: Arc::new(BoxCloneSyncService::new(service.map_err(Into::into))),
            hosts: Arc::new(Hosts::new(&settings)),
            settings: Arc::new(settings),
            auth: None,
        }
    }

    /// Who asks.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        match &self.auth {
            Some(auth) => Ok(auth.authenticate(headers)?),
            None => Ok(Caller::unrestricted().with_trust(self.settings.is_trusted)),
        }
    }

    /// Has the service answer; refusals and failures become problems.
    pub(super) async fn ask(
        &self,
        caller: Caller,
        operation: Operation,
    ) -> Result<ResourceResponse, Problem> {
        let request = ResourceRequest { caller, operation };
        match Resource::clone(&self.service).oneshot(request).await {
            Ok(ResourceResponse::Refused(refusal)) => Err(refusal.into()),
            Ok(response) => Ok(response),
            Err(error) => {
                tracing::error!(error = %Causes(&*error), "a request for a resource failed");
                Err(Refusal::internal().into())
            }
        }
    }

    /// Checks that a request is for this server, where nothing else keeps others out.
    pub(super) fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        if self.auth.is_some() || self.settings.bound.is_none() {
            return Ok(());
        }
        match named(uri, headers) {
            Some(named) if !self.hosts.is_ours(named.host()) => Err(Problem::other_host()),
            // Browsers name the host.
            _ => Ok(()),
        }
    }

    /// How transactions are shown in the answer to that request.
    pub(super) fn manner(&self, uri: &Uri, headers: &HeaderMap) -> Result<Manner, Refusal> {
        Ok(Manner {
            base: match &self.settings.base_url {
                Some(url) => Base::new(url),
                None => Base::of_request(uri, headers, &self.hosts),
            },
            is_full: view::is_full(uri, headers)?,
            is_ranged: false,
        })
    }
}
