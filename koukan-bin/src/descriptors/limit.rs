//! The operating system's limit on file descriptors.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many file descriptors this process may have once the limit is raised; `None` if there is no limit.
pub(crate) fn attainable() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// Raises the limit as far as this process may; returns the new limit, `None` if there is none.
pub(crate) fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit of file descriptors");
            current
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_raised_is_as_high_as_it_can_be() {
        let before = attainable();
        assert_eq!(raise(), before);
        assert_eq!(getrlimit(Resource::Nofile).current, before);
        assert_eq!(raise(), before);
    }
}
