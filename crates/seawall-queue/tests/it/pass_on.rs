//! For storages that are another one, but for some of its calls.

/// `pass_on!(payload: call, call, …)`: these calls of a storage of such payloads go to `self.0` as they are.
macro_rules! pass_on {
    ($payload:ty: $($call:ident),+ $(,)?) => {
        $(crate::pass_on::pass_on!(@$call $payload);)+
    };
    (@settings $payload:ty) => {
        fn settings(&self) -> &seawall_queue::storage::Settings {
            self.0.settings()
        }
    };
    (@enqueue $payload:ty) => {
        crate::pass_on::pass_on!(@call enqueue(
            jobs: Vec<seawall_queue::NewJob<$payload>>,
            room: seawall_queue::storage::Room
        ) -> Vec<seawall_queue::storage::Enqueued>);
    };
    (@claim $payload:ty) => {
        crate::pass_on::pass_on!(@call claim(
            claim: seawall_queue::Claim
        ) -> Vec<seawall_queue::Claimed<$payload>>);
    };
    (@settle $payload:ty) => {
        crate::pass_on::pass_on!(@call settle(
            settlements: Vec<seawall_queue::storage::Settlement>
        ) -> Vec<seawall_queue::job::Settled>);
    };
    (@heartbeat $payload:ty) => {
        crate::pass_on::pass_on!(@call heartbeat(
            heartbeats: Vec<seawall_queue::storage::Heartbeat>,
            lease: std::time::Duration
        ) -> Vec<seawall_queue::job::Kept>);
    };
    (@promote $payload:ty) => {
        crate::pass_on::pass_on!(@call promote(
            budget: usize
        ) -> seawall_queue::storage::Promoted);
    };
    (@cancel $payload:ty) => {
        crate::pass_on::pass_on!(@call cancel(
            jobs: Vec<seawall_queue::job::JobId>
        ) -> Vec<seawall_queue::job::Cancelled>);
    };
    (@requeue $payload:ty) => {
        crate::pass_on::pass_on!(@call requeue(
            jobs: Vec<seawall_queue::job::JobId>
        ) -> Vec<seawall_queue::storage::Requeued>);
    };
    (@pause $payload:ty) => {
        crate::pass_on::pass_on!(@call pause(paused: bool) -> ());
    };
    (@stats $payload:ty) => {
        crate::pass_on::pass_on!(@call stats() -> seawall_queue::storage::Stats);
    };
    (@inspect $payload:ty) => {
        crate::pass_on::pass_on!(@call inspect(
            look: seawall_queue::storage::Look
        ) -> Vec<seawall_queue::storage::JobInfo<$payload>>);
    };
    (@call $call:ident($($argument:ident: $type:ty),*) -> $answer:ty) => {
        fn $call(&self, $($argument: $type),*)
            -> impl Future<Output = Result<$answer, Self::Error>> + Send
        {
            seawall_queue::Storage::$call(&self.0, $($argument),*)
        }
    };
}

pub(crate) use pass_on;
