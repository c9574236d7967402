//! The macros that turn promises into tests.

/// Holds a [`Store`](crate::store::Store) to the promises of its ports: a module with one
/// `#[tokio::test]` a promise.
///
/// The last argument is evaluated anew for each test, in an async function, and gives an empty
/// store. Time is the store's, and the promises let it pass: the store goes by the clock that it is
/// given, an `Arc<dyn Clock>`. Where something has to outlive the store, such as its folder, it is
/// bound first. The test's crate needs tokio with `macros` and `rt-multi-thread`.
///
/// ```no_run
/// # mod suite {
/// use calcom::store::InMemoryStore;
///
/// calcom::store_conformance!(in_memory, |clock| InMemoryStore::with_clock(clock));
///
/// calcom::store_conformance!(
///     with_a_folder,
///     let folder = std::env::temp_dir();
///     |clock| {
///         let _file = folder.join("books.db");
///         InMemoryStore::with_clock(clock)
///     }
/// );
/// # }
/// ```
///
/// A store that goes by a clock of its own, such as a database's, says how time passes for it: by
/// [`RealTime`](crate::testing::conformance::RealTime), which waits, or by a
/// [`PassTime`](crate::testing::conformance::PassTime) of your own, for example one that raises an
/// offset that the store adds.
///
/// ```no_run
/// # mod suite {
/// use calcom::store::InMemoryStore;
/// use calcom::testing::conformance::RealTime;
///
/// calcom::store_conformance!(on_its_own, InMemoryStore::new(), time: RealTime);
/// # }
/// ```
///
/// Attributes before the name are given to each test, for example to one that needs a server which
/// is not there everywhere. The other two suites take them too.
///
/// ```no_run
/// # mod suite {
/// # use calcom::store::InMemoryStore;
/// calcom::store_conformance!(
///     #[ignore = "needs a database server"]
///     over_a_server,
///     |clock| InMemoryStore::with_clock(clock)
/// );
/// # }
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($(#[$attribute:meta])* $name:ident, let $kept:ident = $keep:expr; |$clock:ident| $make:expr $(,)?) => {
        $crate::__store_promises!([$(#[$attribute])*] $name { let $kept = $keep; |$clock| $make });
    };
    ($(#[$attribute:meta])* $name:ident, let $kept:ident = $keep:expr; $make:expr, time: $time:expr $(,)?) => {
        $crate::__store_promises!([$(#[$attribute])*] $name { let $kept = $keep; $make, $time });
    };
    ($(#[$attribute:meta])* $name:ident, |$clock:ident| $make:expr $(,)?) => {
        $crate::__store_promises!([$(#[$attribute])*] $name { let _kept = (); |$clock| $make });
    };
    ($(#[$attribute:meta])* $name:ident, $make:expr, time: $time:expr $(,)?) => {
        $crate::__store_promises!([$(#[$attribute])*] $name { let _kept = (); $make, $time });
    };
}

/// Holds an [`AppointmentRepository`](crate::store::AppointmentRepository) to its promises, which
/// know no time: a module with one `#[tokio::test]` a promise.
///
/// The last argument is evaluated anew for each test, in an async function. It gives an empty
/// repository, or an [`AppointmentTable`](crate::testing::conformance::AppointmentTable) that also
/// says what is particular about the table. A promise that is about something the table does not
/// have prints a line that begins with `SKIPPED`.
///
/// ```no_run
/// # mod suite {
/// use std::sync::Arc;
///
/// use calcom::store::{InMemoryStore, TenantId};
/// use calcom::testing::conformance::{AppointmentTable, Detail};
///
/// calcom::appointment_conformance!(in_memory, InMemoryStore::new());
///
/// calcom::appointment_conformance!(one_tenant, {
///     let adapter = InMemoryStore::new();
///     AppointmentTable::new(Arc::new(adapter.clone()))
///         .with_tenants([TenantId::new("salon")])
///         .without(Detail::Guests)
///         .with_host_writes(Arc::new(adapter))
/// });
/// # }
/// ```
#[macro_export]
macro_rules! appointment_conformance {
    ($(#[$attribute:meta])* $name:ident, let $kept:ident = $keep:expr; $make:expr $(,)?) => {
        $crate::__appointment_promises! {
            __appointment_tests [$(#[$attribute])*] $name { let $kept = $keep; $make }
        }
    };
    ($(#[$attribute:meta])* $name:ident, $make:expr $(,)?) => {
        $crate::__appointment_promises! {
            __appointment_tests [$(#[$attribute])*] $name { let _kept = (); $make }
        }
    };
}

/// Holds an [`AppointmentDesk`](crate::store::AppointmentDesk) to what it promises besides what it
/// promises as a repository: a module with one `#[tokio::test]` a promise.
///
/// The last argument is evaluated anew for each test, in an async function. It gives an empty store
/// that also is the outbox of its desk, or a [`DeskTable`](crate::testing::conformance::DeskTable).
///
/// ```no_run
/// # mod suite {
/// use std::sync::Arc;
///
/// use calcom::store::{InMemoryStore, TenantId};
/// use calcom::testing::conformance::DeskTable;
///
/// calcom::desk_conformance!(in_memory, InMemoryStore::new());
///
/// calcom::desk_conformance!(one_tenant, {
///     let store = Arc::new(InMemoryStore::new());
///     let one = [TenantId::new("salon")];
///     DeskTable::new(store.clone(), store).describe(|table| table.with_tenants(one))
/// });
/// # }
/// ```
#[macro_export]
macro_rules! desk_conformance {
    ($(#[$attribute:meta])* $name:ident, let $kept:ident = $keep:expr; $make:expr $(,)?) => {
        $crate::__desk_promises!([$(#[$attribute])*] $name { let $kept = $keep; $make });
    };
    ($(#[$attribute:meta])* $name:ident, $make:expr $(,)?) => {
        $crate::__desk_promises!([$(#[$attribute])*] $name { let _kept = (); $make });
    };
}

/// Holds a [`ServiceRepository`](crate::store::ServiceRepository) to its promises, which know no
/// time: the last argument gives an empty repository.
///
/// ```no_run
/// # mod suite {
/// use calcom::store::InMemoryStore;
///
/// calcom::service_conformance!(in_memory, InMemoryStore::new());
/// # }
/// ```
#[macro_export]
macro_rules! service_conformance {
    ($(#[$attribute:meta])* $name:ident, let $kept:ident = $keep:expr; $make:expr $(,)?) => {
        $crate::__service_promises!([$(#[$attribute])*] $name { let $kept = $keep; $make });
    };
    ($(#[$attribute:meta])* $name:ident, $make:expr $(,)?) => {
        $crate::__service_promises!([$(#[$attribute])*] $name { let _kept = (); $make });
    };
}

/// One promise as a test.
#[doc(hidden)]
#[macro_export]
macro_rules! __promise {
    ([$(#[$attribute:meta])*] $promise:ident $held:block) => {
        $(#[$attribute])*
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $promise() $held
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_tests {
    ($attributes:tt $name:ident $setup:tt; $($group:ident: [$($promise:ident)*];)+) => {
        #[allow(unused_imports)]
        mod $name {
            use super::*;
            $(
                mod $group {
                    use super::*;
                    $(
                        $crate::__promise!($attributes $promise {
                            $crate::__with_bench!($setup, bench => {
                                $crate::testing::conformance::$group::$promise(&bench).await;
                            });
                        });
                    )*
                }
            )+
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __with_bench {
    (
        { let $kept:ident = $keep:expr; |$clock:ident| $make:expr },
        $bench:ident => $promise:block
    ) => {
        let $kept = $keep;
        let manual = $crate::testing::conformance::Bench::clock();
        let $clock: ::std::sync::Arc<dyn $crate::ambient::Clock> = manual.shared();
        let store = ::std::sync::Arc::new($make);
        let $bench = $crate::testing::conformance::Bench::new(store, manual);
        $promise
    };
    (
        { let $kept:ident = $keep:expr; $make:expr, $time:expr },
        $bench:ident => $promise:block
    ) => {
        let $kept = $keep;
        let store = ::std::sync::Arc::new($make);
        let $bench = $crate::testing::conformance::Bench::new(store, $time);
        $promise
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __appointment_tests {
    ($attributes:tt $name:ident $setup:tt; $($group:ident: [$($promise:ident)*];)+) => {
        #[allow(unused_imports)]
        mod $name {
            use super::*;
            $(
                mod $group {
                    use super::*;
                    $(
                        $crate::__promise!($attributes $promise {
                            $crate::__with_table!($setup, table => {
                                $crate::testing::conformance::$group::$promise(&table).await;
                                table.say_what_was_skipped(stringify!($promise));
                            });
                        });
                    )*
                }
            )+
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __with_table {
    ({ let $kept:ident = $keep:expr; $make:expr }, $table:ident => $promise:block) => {
        let $kept = $keep;
        let $table = $crate::testing::conformance::AppointmentTable::from($make);
        $promise
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __service_tests {
    (
        $attributes:tt $name:ident $setup:tt;
        $($group:ident: [$($borrowing:ident)*] [$($sharing:ident)*];)+
    ) => {
        #[allow(unused_imports)]
        mod $name {
            use super::*;
            $(
                mod $group {
                    use super::*;
                    $(
                        $crate::__promise!($attributes $borrowing {
                            $crate::__with_repository!($setup, repository => {
                                $crate::testing::conformance::$group::$borrowing(&*repository)
                                    .await;
                            });
                        });
                    )*
                    $(
                        $crate::__promise!($attributes $sharing {
                            $crate::__with_repository!($setup, repository => {
                                $crate::testing::conformance::$group::$sharing(repository).await;
                            });
                        });
                    )*
                }
            )+
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __with_repository {
    ({ let $kept:ident = $keep:expr; $make:expr }, $repository:ident => $promise:block) => {
        let $kept = $keep;
        let $repository = ::std::sync::Arc::new($make);
        $promise
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __desk_tests {
    ($attributes:tt $name:ident $setup:tt; $($promise:ident)*) => {
        #[allow(unused_imports)]
        mod $name {
            use super::*;
            $(
                $crate::__promise!($attributes $promise {
                    $crate::__with_desk!($setup, desk => {
                        $crate::testing::conformance::desk::$promise(&desk).await;
                        desk.table().say_what_was_skipped(stringify!($promise));
                    });
                });
            )*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __with_desk {
    ({ let $kept:ident = $keep:expr; $make:expr }, $desk:ident => $promise:block) => {
        let $kept = $keep;
        let $desk = $crate::testing::conformance::DeskTable::from($make);
        $promise
    };
}
