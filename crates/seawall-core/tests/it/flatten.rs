//! One flat error for a stack, whatever it is of, and nothing else changed.

#![cfg(feature = "tower")]

use std::{
    pin::{Pin, pin},
    task::{Context, Poll},
};

use seawall_core::{BoxError, Error, Flatten, Reason, Rejection};
use seawall_test::{
    Failure, Scripted, Step, Task,
    contract::{Inner, Suite},
};
use tower::{
    Layer, Service, ServiceBuilder,
    util::{MapErr, Oneshot},
};

/// A pattern as small as one can be: it refuses, or lets through.
#[derive(Clone, Copy)]
struct Door {
    name: &'static str,
    open: bool,
}

#[derive(Clone)]
struct DoorService<S> {
    inner: S,
    door: Door,
}

impl Door {
    fn open(name: &'static str) -> Flatten<Self> {
        Flatten::new(Self { name, open: true })
    }

    fn shut(name: &'static str) -> Flatten<Self> {
        Flatten::new(Self { name, open: false })
    }
}

impl<S> Layer<S> for Door {
    type Service = DoorService<S>;

    fn layer(&self, inner: S) -> DoorService<S> {
        DoorService { inner, door: *self }
    }
}

impl<S: Service<R>, R> Service<R> for DoorService<S> {
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = DoorFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.door.open {
            return self.inner.poll_ready(cx).map_err(Error::Inner);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        if self.door.open {
            return DoorFuture::Running { future: self.inner.call(request) };
        }
        DoorFuture::Refused { name: self.door.name }
    }
}

pin_project_lite::pin_project! {
    #[project = Project]
    enum DoorFuture<F> {
        Running {
            #[pin]
            future: F,
        },
        Refused {
            name: &'static str,
        },
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> Future for DoorFuture<F> {
    type Output = Result<T, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Project::Running { future } => future.poll(cx).map_err(Error::Inner),
            Project::Refused { name } => {
                Poll::Ready(Err(Rejection::new(Reason::CircuitOpen, *name).into()))
            }
        }
    }
}

/// What a user writes: one enum for all that can go wrong.
#[derive(Debug, PartialEq)]
enum MyError {
    Refused(Rejection),
    Broken(Failure),
}

impl From<Rejection> for MyError {
    fn from(refused: Rejection) -> Self {
        Self::Refused(refused)
    }
}

impl From<Failure> for MyError {
    fn from(broken: Failure) -> Self {
        Self::Broken(broken)
    }
}

impl std::fmt::Display for MyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("my call did not work")
    }
}

impl std::error::Error for MyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(refused) => Some(refused),
            Self::Broken(broken) => Some(broken),
        }
    }
}

fn call<S: Service<u64>>(service: S) -> Result<S::Response, S::Error> {
    let Poll::Ready(answered) = Task::new().poll(pin!(Oneshot::new(service, 7))) else {
        panic!("it neither waits nor hangs");
    };
    answered
}

/// A service that fails, with what `error` makes of it.
fn broken<E>(error: fn(Failure) -> E) -> MapErr<Scripted, fn(Failure) -> E> {
    MapErr::new(Scripted::new([Step::Err]), error)
}

#[test]
fn a_users_enum_is_the_error_of_three_nested_layers() {
    let stack = |inner: Flatten<Door>| {
        ServiceBuilder::new()
            .layer(Door::open("outer"))
            .layer(Door::open("middle"))
            .layer(inner)
            .service(broken(MyError::from))
    };

    let failed: Result<u64, MyError> = call(stack(Door::open("inner")));
    let refused: Result<u64, MyError> = call(stack(Door::shut("inner")));

    assert_eq!(failed, Err(MyError::Broken(Failure(0))));
    assert_eq!(refused, Err(MyError::Refused(Rejection::new(Reason::CircuitOpen, "inner"))));
}

#[test]
fn whichever_layer_refuses_the_error_is_as_flat() {
    for (place, name) in ["outer", "middle", "inner"].into_iter().enumerate() {
        let door = |own| if own == place { Door::shut(name) } else { Door::open("open") };
        let stack = (door(0), door(1), door(2)).layer(broken(MyError::from));

        let Err(MyError::Refused(refused)) = call(stack) else {
            panic!("the door called {name} is shut");
        };
        assert_eq!(refused.name(), name);
    }
}

#[test]
fn a_boxed_error_is_boxed_once() {
    let stack = |inner: Flatten<Door>| (Door::open("outer"), inner).layer(broken(BoxError::from));

    let failed = call(stack(Door::open("inner"))).unwrap_err();
    let refused = call(stack(Door::shut("inner"))).unwrap_err();

    assert_eq!(failed.downcast_ref(), Some(&Failure(0)));
    assert!(refused.is::<Rejection>());
}

#[test]
fn the_family_s_own_error_stays_one_level_deep() {
    let stack = (Door::open("outer"), Door::open("inner")).layer(broken(Error::Inner));

    let failed: Result<u64, Error<Failure>> = call(stack);

    assert_eq!(failed, Err(Error::Inner(Failure(0))));
}

#[test]
fn an_error_that_cannot_be_cloned_passes() {
    #[derive(Debug)]
    struct Once(std::io::Error);
    impl From<Rejection> for Once {
        fn from(refused: Rejection) -> Self {
            Self(std::io::Error::other(refused))
        }
    }
    let io = |_: Failure| Once(std::io::Error::other("down"));

    let failed = call(Door::open("door").layer(broken(io))).unwrap_err();
    let refused = call(Door::shut("door").layer(broken(io))).unwrap_err();

    assert_eq!(failed.0.to_string(), "down");
    assert_eq!(Rejection::find(&refused.0).map(Rejection::name), Some("door"));
}

/// A service that never fails itself can still be refused: its error is the refusal alone.
#[test]
fn a_service_that_never_fails_has_refusals_for_errors() {
    let never = MapErr::new(Scripted::new([Step::Ok]), |_| -> Rejection { unreachable!() });

    let served: Result<u64, Rejection> = call(Door::open("door").layer(never.clone()));
    let refused: Result<u64, Rejection> = call(Door::shut("door").layer(never));

    assert_eq!(served, Ok(7));
    assert_eq!(refused.unwrap_err().reason(), Reason::CircuitOpen);
}

#[test]
fn a_readiness_error_is_flat_too() {
    let (held, handle) = seawall_test::Held::<u64, u64, MyError>::new();
    handle.fail_readiness(MyError::Broken(Failure(3)));
    let mut service = Door::open("door").layer(held);

    let ready = Task::new().enter(|cx| service.poll_ready(cx));

    assert_eq!(ready, Poll::Ready(Err(MyError::Broken(Failure(3)))));
}

#[test]
fn what_is_flattened_can_be_reached() {
    let mut service = Door::shut("door").layer(broken(MyError::from));

    assert_eq!(service.get_ref().door.name, "door");
    service.get_mut().door.open = true;

    assert!(service.into_inner().door.open);
}

#[test]
fn a_flat_stack_keeps_the_contract() {
    let flat = |door: Flatten<Door>| {
        move |inner: Inner| {
            let inner = MapErr::new(inner, MyError::from as fn(Failure) -> MyError);
            (door, door).layer(inner)
        }
    };

    Suite::new(flat(Door::open("door")))
        .cloned()
        .sendable()
        .unboxed()
        .refusing(flat(Door::shut("door")))
        .run();
}

#[test]
fn a_layer_without_flatten_takes_any_error() {
    let door = Door { name: "door", open: true };

    Suite::new(move |inner: Inner| door.layer(inner)).errors(door).run();
}
