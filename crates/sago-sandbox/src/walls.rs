//! The walls: limits of the process, Landlock (no files, no network, no signals to others), and a list of system calls beyond which it is ended.
//!
//! The process puts them up itself, before it has read a byte of the file, and cannot take them down again.

use std::collections::BTreeMap;
use std::io;

use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};
use serde::{Deserialize, Serialize};

/// Which walls stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Landlock: nothing of the file system can be reached.
    pub files: bool,
    /// Landlock and the list of calls: nothing of the network can be reached.
    pub network: bool,
    /// The list of calls: nothing can be started, traced or mapped to be run.
    pub calls: bool,
    /// Memory, processor time, open files and written files are bounded.
    pub resources: bool,
}

impl Standing {
    /// Whether all of them stand.
    pub fn is_whole(self) -> bool {
        self.files && self.network && self.calls && self.resources
    }
}

/// Open files the process may have: its three and a few to spare.
const OPEN_FILES: u64 = 16;

/// Puts up all walls that this system has, and says which stand.
pub(crate) fn put_up(memory_bytes: u64, processor_seconds: u64) -> Standing {
    let resources = limit(memory_bytes, processor_seconds).is_ok();
    let files = enclose();
    let calls = filter().is_ok();
    // A socket cannot even be made under the list of calls; Landlock alone knows TCP only.
    Standing { files, network: calls, calls, resources }
}

fn limit(memory_bytes: u64, processor_seconds: u64) -> io::Result<()> {
    let set = |resource, most: u64| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    set(Resource::As, memory_bytes)?;
    set(Resource::Cpu, processor_seconds)?;
    set(Resource::Nofile, OPEN_FILES)?;
    set(Resource::Fsize, 0)?;
    set(Resource::Core, 0)?;
    // Without its parent nobody would listen.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

/// No file may be reached, no port, no process outside.
fn enclose() -> bool {
    let newest = ABI::V6;
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(newest)))
        .and_then(|rules| rules.scope(Scope::from_all(newest)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    // An older kernel knows fewer rights, but all those over files that existed when it was made.
    rules.is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced && status.no_new_privs)
}

/// Calls that readers, the allocator and the end of a process need.
fn allowed() -> Vec<i64> {
    vec![
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_lseek,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_brk,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ]
}

/// Calls that libraries try and do well without: they are answered that it is not permitted.
fn refused() -> Vec<i64> {
    let mut calls = vec![
        libc::SYS_openat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_readlinkat,
        libc::SYS_faccessat,
        libc::SYS_ioctl,
        libc::SYS_fcntl,
        libc::SYS_getcwd,
        libc::SYS_uname,
        libc::SYS_sysinfo,
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_prlimit64,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
    ];
    #[cfg(target_arch = "x86_64")]
    calls.extend([libc::SYS_open, libc::SYS_stat, libc::SYS_access, libc::SYS_readlink]);
    calls
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn filter() -> Result<(), seccompiler::Error> {
    let arch = std::env::consts::ARCH.try_into()?;
    let plain = |calls: &[i64]| calls.iter().map(|call| (*call, Vec::new())).collect::<Rules>();
    let mut known = plain(&allowed());
    known.extend(plain(&refused()));
    // Memory may be taken, never to run what is in it.
    let prot_exec = u64::from(libc::PROT_EXEC.unsigned_abs());
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let condition = SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(prot_exec), 0)?;
        known.insert(call, vec![SeccompRule::new(vec![condition])?]);
    }
    let not_permitted = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let refuse: BpfProgram = SeccompFilter::new(plain(&refused()), SeccompAction::Allow, not_permitted, arch)?.try_into()?;
    let end: BpfProgram = SeccompFilter::new(known, SeccompAction::KillProcess, SeccompAction::Allow, arch)?.try_into()?;
    // Of two answers the stricter counts. This order, because putting up the second needs a call that it does not let through.
    seccompiler::apply_filter(&refuse)?;
    seccompiler::apply_filter(&end)
}

/// Puts up the walls around the calling process and says which stand: for `sago doctor`, in a process of its own.
pub fn test_walls() -> Standing {
    put_up(1 << 30, 60)
}
