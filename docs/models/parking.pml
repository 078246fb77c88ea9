/* The parking protocol of src/sched/parking.cpp: one waiter ("self"), wakers, a canceller, a
 * deadline, and a thief that may move self to another carrier before it starts.
 *
 * Each step of this model is one atomic access of the code: a load, or a compare-and-swap. Spin
 * explores every interleaving of them. The word's accesses are read-modify-writes, or loads whose
 * decision the next read-modify-write confirms, so sequential consistency loses nothing here.
 *
 * Checked
 *   lost wake      no execution ends with self still waiting (invalid end state), and every claim
 *                  is answered (ltl answered)
 *   one ready      each park is made ready at most once, and only while it is suspended (assert)
 *   exact permits  each claim gives one permit and ends one wait; none is left over (assert)
 *   rule 4         nobody unparks or readies a runnable that has ended (assert)
 *   carrier        whoever readies self does so on the carrier that self runs on (assert)
 *
 * Variants (-D)
 *   KERNEL                 self is an OS thread: suspend is a futex wait; else a fiber on a worker
 * Planted bugs, each of which Spin must find
 *   BUG_BLIND_PUBLISH      parked is set without looking whether a permit has come
 *   BUG_NO_AWAIT           a waiter that was claimed leaves with `deadline` or `cancelled`
 *   BUG_UNCHECKED_EXPIRE   the deadline readies self without having cleared parked itself
 *   BUG_CARRIER_FIRST      a canceller reads the carrier before it marks
 */

#define PERMIT 1
#define PARKED 2
#define CANCELLABLE 4
#define CANCELLED 8

#ifndef ROUNDS
#define ROUNDS 3
#endif

mtype = { unparked, deadline, cancelled };

byte state = 0;            /* runnable::state */
bool registered = false;   /* self stands in a wait queue; changed under its lock, so atomically */
byte claims = 0;           /* wakers that took it out of there */
byte answered_claims = 0;  /* waits that ended as unparked */

bool has_deadline = false; /* of the present wait */
bool over = false;         /* and it has passed */
bool started = false;
bool ended = false;
bool cancel_under_way = true;
byte carrier = 0;

#ifdef KERNEL
bool asleep = false;       /* in the kernel, in a futex wait on the word */
#else
byte readied = 0;          /* how often self stands in its worker's ready queue */
bool suspended = false;    /* self has switched away: its worker may fire its timer */
bool timer_armed = false;
bool firing = false;       /* the worker's loop is at its timer, so it runs no fiber */
#endif

/* One compare-and-swap; a failed one loads. */
inline cas(seen, next, ok) {
  atomic {
    if
    :: state == seen -> state = (next); ok = true
    :: else -> seen = state; ok = false
    fi
  }
}

inline ready(by) {
#ifdef KERNEL
  asleep = false             /* futex_wake: only the address counts, so self may have ended */
#else
  atomic {
    assert(!ended);
    assert(by == carrier);
    readied++;
    assert(readied == 1)
  }
#endif
}

/* end_park(): clears parked if all bits of `needed` are still set. */
inline end_park(needed, seen, ok) {
  seen = state;
  ok = false;
  do
  :: (seen & (needed)) == (needed) ->
     cas(seen, seen & ~(PARKED | CANCELLABLE), ok);
     if
     :: ok -> break
     :: else
     fi
  :: else -> break
  od
}

inline suspend() {
#ifdef KERNEL
  seen = state;
  do
  :: (seen & PARKED) != 0 ->
     atomic {
       if
       :: state == seen -> asleep = true
       :: else
       fi
     }
     if
     :: !asleep
     :: atomic { has_deadline && over -> asleep = false }
        end_park(PARKED, seen, ok);
        if
        :: ok -> break
        :: else
        fi
     fi;
     seen = state
  :: else -> break
  od
#else
  timer_armed = has_deadline;
  suspended = true;
  atomic { readied > 0 && !firing -> readied--; suspended = false; timer_armed = false }
#endif
}

/* park_until(); `how` gets what it returns. */
inline park_until(obeys, timed) {
  published = ((obeys) -> PARKED | CANCELLABLE : PARKED);
  atomic { has_deadline = (timed); over = false }
  seen = state;
  do
  :: (seen & PERMIT) != 0 ->
     cas(seen, seen & ~PERMIT, ok);
     if
     :: ok -> how = unparked; break
     :: else
     fi
  :: (seen & PERMIT) == 0 && (obeys) && (seen & CANCELLED) != 0 -> how = cancelled; break
  :: (seen & PERMIT) == 0 && !((obeys) && (seen & CANCELLED) != 0) ->
     if
     :: has_deadline && over -> how = deadline; break
     :: else
     fi;
#ifdef BUG_BLIND_PUBLISH
     state = state | published; ok = true;
#else
     cas(seen, seen | published, ok);
#endif
     if
     :: ok ->
        suspend();
        seen = state
     :: else
     fi
  od;
  atomic { has_deadline = false; over = false; seen = 0; published = 0; ok = false }
}

/* One wait as src/sync/wait_queue.cpp does it. */
inline wait_once(obeys, timed) {
  registered = true;
  park_until(obeys, timed);
  if
  :: how != unparked ->
     if
     :: atomic { registered -> registered = false }
     :: else ->
#ifndef BUG_NO_AWAIT
        park_until(false, false);
        assert(how == unparked);
        answered_claims++
#else
        skip
#endif
     fi
  :: else -> answered_claims++
  fi
}

active proctype self() {
  byte seen, published, rounds = 0;
  bool ok;
  mtype how;
  started = true;
  do
  :: rounds < ROUNDS ->
     rounds++;
     how = unparked;
     if
     :: wait_once(true, true)
     :: wait_once(true, false)
     :: wait_once(false, true)
     :: wait_once(false, false)
     fi
  :: else -> break
  od;
  assert((state & PERMIT) == 0);
  assert(claims == answered_claims);
  !cancel_under_way;       /* who cancels holds a reference */
  ended = true
}

active [2] proctype waker() {
  byte seen, by;
  bool ok;
  do
  :: atomic { registered -> registered = false; claims++ }
     by = carrier;
     seen = state;
     do
     :: atomic {
          cas(seen, (seen & ~(PARKED | CANCELLABLE)) | PERMIT, ok);
          assert(!ok || (!ended && (seen & PERMIT) == 0))
        }
        if
        :: ok -> break
        :: else
        fi
     od;
     if
     :: (seen & PARKED) != 0 -> ready(by)
     :: else
     fi;
     atomic { seen = 0; by = 0; ok = false }
  :: ended -> break
  od
}

active proctype canceller() {
  byte seen, by;
  bool ok;
  if
  :: true                  /* it may never come */
  :: true ->
#ifdef BUG_CARRIER_FIRST
     by = carrier;
#endif
     atomic { assert(!ended); state = state | CANCELLED }
     end_park(PARKED | CANCELLABLE, seen, ok);
     if
     :: ok ->
#ifndef BUG_CARRIER_FIRST
        by = carrier;
#endif
        ready(by)
     :: else
     fi
  fi;
  atomic { seen = 0; by = 0; ok = false; cancel_under_way = false }
}

/* Time passes at any moment, or not. A fiber's timer fires on its worker, so while it is suspended. */
active proctype time() {
  byte seen;
  bool ok;
end:
  do
  :: atomic { has_deadline && !over -> over = true }
#ifndef KERNEL
  :: atomic { timer_armed && over && suspended -> timer_armed = false; firing = true }
#ifdef BUG_UNCHECKED_EXPIRE
     state = state & ~(PARKED | CANCELLABLE);
     ok = true;
#else
     end_park(PARKED, seen, ok);
#endif
     if
     :: ok -> ready(carrier)
     :: else
     fi;
     atomic { seen = 0; ok = false; firing = false }
#endif
  od
}

active proctype thief() {
  if
  :: atomic { !started -> carrier = 1 }
  :: true
  fi
}

ltl answered { [] ((claims > answered_claims) -> <> (claims == answered_claims)) }
