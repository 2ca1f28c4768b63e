//! Webhooks.

use crate::resource::{
    Caller, HookBoard, HookOperation, QueueChanged, QueueResponse, Refusal, RefusalKind,
};

use super::Operator;

impl Operator {
    /// Shows and changes the webhooks on this board.
    #[must_use]
    pub fn with_hooks(mut self, hooks: HookBoard) -> Self {
        self.hooks = Some(hooks);
        self
    }

    pub(super) fn hooks(
        &self,
        caller: &Caller,
        operation: HookOperation,
    ) -> Result<QueueResponse, Refusal> {
        let Some(board) = &self.hooks else {
            let detail = "only a running agent knows how its webhooks stand";
            return Err(Refusal::new(RefusalKind::Conflict, detail));
        };
        let find = |name: &str| {
            let place = board.find(name);
            place.ok_or_else(|| Refusal::new(RefusalKind::NotFound, "there is no such webhook"))
        };
        match operation {
            HookOperation::List => Ok(QueueResponse::Hooks(board.views())),
            HookOperation::Show(name) => {
                let view = find(&name)?.view();
                Ok(QueueResponse::Hook(Box::new(view)))
            }
            HookOperation::Change(name, action) => {
                let place = find(&name)?;
                let view = place.view();
                let asked = place.ask(action);
                asked.map_err(|error| {
                    Refusal::new(
                        RefusalKind::Conflict,
                        format!("{error}: there is nothing to {}", action.as_str()),
                    )
                })?;
                let changed = QueueChanged {
                    matched: 1,
                    changed: 1,
                    ..QueueChanged::default()
                };
                self.report(
                    caller,
                    &format!("{}_webhook", action.as_str()),
                    &name,
                    &changed,
                );
                Ok(QueueResponse::Hook(Box::new(view)))
            }
        }
    }
}
