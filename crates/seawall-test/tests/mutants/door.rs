//! A limit that refuses what is too much, and everything while it is shut: right, but for one fault.

use std::{
    error::Error,
    fmt,
    hint::black_box,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};

use pin_project_lite::pin_project;
use tower::{Layer, Service};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    AsksInnerFirst,
    Boxes,
    CallsAClone,
    ChangesResponse,
    CopiesReadiness,
    HoldsUntilDropped,
    KeepsPermitBesideError,
    LeaksOnDrop,
    LeaksOnPanic,
    LosesWakeUps,
    RefusesLate,
    RejectsFromPollReady,
    Spins,
    StateForEachClone,
    StateForEachService,
    SwallowsErrors,
    SwallowsReadinessErrors,
    TakesPermitWhenReady,
    TakesReadyBack,
}

#[derive(Clone)]
pub(crate) struct DoorLayer {
    room: Arc<Room>,
    fault: Fault,
}

struct Room {
    limit: usize,
    taken: AtomicUsize,
}

/// A place in the room; a limit of 0 is a door that is shut.
struct Permit {
    room: Arc<Room>,
    fault: Fault,
}

pub(crate) struct Door<S> {
    inner: S,
    room: Arc<Room>,
    fault: Fault,
    ready: bool,
    permit: Option<Permit>,
}

#[derive(Debug)]
pub(crate) enum DoorError<E> {
    Full,
    Swallowed,
    Inner(E),
}

impl Room {
    fn new(limit: usize) -> Arc<Self> {
        let taken = AtomicUsize::new(0);
        Arc::new(Self { limit, taken })
    }

    fn enter(self: &Arc<Self>, fault: Fault) -> Option<Permit> {
        let more = |taken| (taken < self.limit).then_some(taken + 1);
        self.taken.fetch_update(SeqCst, SeqCst, more).ok()?;
        let room = Arc::clone(self);
        Some(Permit { room, fault })
    }

    fn is_shut(&self) -> bool {
        self.limit == 0
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let leaks = self.fault == Fault::LeaksOnPanic && std::thread::panicking();
        if !leaks {
            self.room.taken.fetch_sub(1, SeqCst);
        }
    }
}

impl DoorLayer {
    pub(crate) fn new(limit: usize, fault: Fault) -> Self {
        let room = Room::new(limit);
        Self { room, fault }
    }

    pub(crate) fn shut(fault: Fault) -> Self {
        Self::new(0, fault)
    }
}

impl<S> Layer<S> for DoorLayer {
    type Service = Door<S>;

    fn layer(&self, inner: S) -> Door<S> {
        if self.fault == Fault::StateForEachService {
            return Door::new(inner, self.room.limit, self.fault);
        }
        Door { inner, room: Arc::clone(&self.room), fault: self.fault, ready: false, permit: None }
    }
}

impl<S> Door<S> {
    pub(crate) fn new(inner: S, limit: usize, fault: Fault) -> Self {
        Self { inner, room: Room::new(limit), fault, ready: false, permit: None }
    }
}

impl<S: Clone> Clone for Door<S> {
    fn clone(&self) -> Self {
        let room = match self.fault {
            Fault::StateForEachClone => Room::new(self.room.limit),
            _ => Arc::clone(&self.room),
        };
        Self {
            inner: self.inner.clone(),
            room,
            fault: self.fault,
            ready: self.fault == Fault::CopiesReadiness && self.ready,
            permit: None,
        }
    }
}

impl<S: Service<u64, Response = u64> + Clone> Service<u64> for Door<S> {
    type Response = u64;
    type Error = DoorError<S::Error>;
    type Future = Response<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.room.is_shut() && self.fault != Fault::AsksInnerFirst {
            return Poll::Ready(match self.fault {
                Fault::RejectsFromPollReady => Err(DoorError::Full),
                _ => Ok(()),
            });
        }
        if self.ready {
            if self.fault == Fault::TakesReadyBack {
                self.ready = false;
                return Poll::Pending;
            }
            return Poll::Ready(Ok(()));
        }
        let polled = match self.fault {
            Fault::LosesWakeUps => self.inner.poll_ready(&mut Context::from_waker(Waker::noop())),
            _ => self.inner.poll_ready(cx),
        };
        match polled {
            Poll::Pending if self.fault == Fault::Spins => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) if self.fault != Fault::SwallowsReadinessErrors => {
                if self.fault == Fault::KeepsPermitBesideError {
                    self.permit = self.room.enter(self.fault);
                }
                return Poll::Ready(Err(DoorError::Inner(error)));
            }
            Poll::Ready(_) => {}
        }
        if self.fault == Fault::TakesPermitWhenReady {
            self.permit = self.room.enter(self.fault);
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        let fault = self.fault;
        let permit = self.permit.take().or_else(|| self.room.enter(fault));
        let Some(permit) = permit else {
            return Response::Refused { fault };
        };
        self.ready = false;
        if fault == Fault::Boxes {
            drop(black_box(Box::new(request)));
        }
        let future = match fault {
            Fault::CallsAClone => self.inner.clone().call(request),
            _ => self.inner.call(request),
        };
        let permit = Some(permit);
        let guard = Guard { permit, fault };
        Response::Running { future, guard }
    }
}

pin_project! {
    #[project = Project]
    pub(crate) enum Response<F> {
        Refused { fault: Fault },
        Running {
            #[pin]
            future: F,
            guard: Guard,
        },
    }
}

pub(crate) struct Guard {
    permit: Option<Permit>,
    fault: Fault,
}

#[expect(clippy::mem_forget, reason = "a leak is the fault")]
impl Drop for Guard {
    fn drop(&mut self) {
        if self.fault == Fault::LeaksOnDrop && !std::thread::panicking() {
            std::mem::forget(self.permit.take());
        }
    }
}

impl<E, F: Future<Output = Result<u64, E>>> Future for Response<F> {
    type Output = Result<u64, DoorError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Project::Refused { fault } if *fault == Fault::RefusesLate => Poll::Pending,
            Project::Refused { .. } => Poll::Ready(Err(DoorError::Full)),
            Project::Running { future, guard } => {
                let Poll::Ready(answered) = future.poll(cx) else {
                    return Poll::Pending;
                };
                if guard.fault != Fault::HoldsUntilDropped {
                    guard.permit = None;
                }
                Poll::Ready(match (answered, guard.fault) {
                    (Ok(response), Fault::ChangesResponse) => Ok(response + 1),
                    (Ok(response), _) => Ok(response),
                    (Err(_), Fault::SwallowsErrors) => Err(DoorError::Swallowed),
                    (Err(error), _) => Err(DoorError::Inner(error)),
                })
            }
        }
    }
}

impl<E> fmt::Display for DoorError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the room is full",
            Self::Swallowed => "something went wrong",
            Self::Inner(_) => "the call failed",
        })
    }
}

impl<E: Error + 'static> Error for DoorError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Inner(error) => Some(error),
            Self::Full | Self::Swallowed => None,
        }
    }
}
