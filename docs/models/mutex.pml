/* The mutex of src/sync/mutex.cpp: lockers that each lock and unlock once, some of them with a
 * deadline at first, and the last to leave destroys the mutex, as the last owner of a reference does.
 *
 * Each step is one atomic access of the code. Parking is what parking.pml shows it to be: a claim
 * gives one permit, and a wait ends with a permit or, after the waiter has taken itself out, at its
 * deadline.
 *
 * Checked
 *   exclusion      two never hold it (assert)
 *   no lost wake   every locker gets through (ltl all_done)
 *   destruction    nobody touches the mutex once the last one is through (assert)
 *   flags          waiting tells whether the queue is empty; free and waiting implies waking:
 *                  rule 1, whenever the queue's lock is released (assert)
 *
 * Planted bugs, each of which Spin must find
 *   BUG_FREE_UNDER_LOCK   an owner that finds the queue empty frees the word before the queue's lock
 *   BUG_BLIND_ANNOUNCE    a waiter enters the queue although the mutex has become free
 *   BUG_KEEP_WAKING       a woken waiter that waits again leaves `waking` set
 */

#define WAITING 1
#define WAKING 2
#define HANDOFF 4
#define FLAGS 7
#define OWNER(w) ((w) & ~FLAGS)

#ifndef LOCKERS
#define LOCKERS 3
#endif
#ifndef PATIENCE
#define PATIENCE 1
#endif

byte state = 0;                     /* owner * 8 + flags; owners count from 1 */
bool queue_locked = false;
chan queue = [LOCKERS] of { byte }; /* who waits */
bool permit[5];
byte inside = 0;                    /* how many hold it */
byte references = LOCKERS;
bool destroyed = false;

inline cas(seen, to, ok) {
  atomic {
    assert(!destroyed);
    if
    :: state == seen -> state = (to); ok = true
    :: else -> seen = state; ok = false
    fi
  }
}

inline load(seen)     { atomic { assert(!destroyed); seen = state } }
inline lock_queue()   { atomic { assert(!destroyed); !queue_locked -> queue_locked = true } }
inline unlock_queue() {
  atomic {
    assert(!destroyed);
    assert(((state & WAITING) != 0) == (len(queue) > 0));
    assert(OWNER(state) != 0 || (state & WAITING) == 0 || (state & WAKING) != 0);
    queue_locked = false
  }
}

/* take_if_free() */
inline take_if_free(clear, ok) {
  load(seen);
  ok = false;
  do
  :: OWNER(seen) == 0 ->
     cas(seen, (seen & ~(clear)) | me, ok);
     if
     :: ok -> break
     :: else
     fi
  :: else -> break
  od
}

/* announce(), under the queue's lock */
inline announce(ok) {
  load(seen);
  do
#ifndef BUG_BLIND_ANNOUNCE
  :: OWNER(seen) == 0 -> ok = false; break
  :: OWNER(seen) != 0 ->
#else
  :: true ->
#endif
     word = seen | WAITING;
     if
#ifndef BUG_KEEP_WAKING
     :: wakes > 0 -> word = word & ~WAKING
#endif
     :: else
     fi;
     if
     :: wakes >= PATIENCE -> word = word | HANDOFF
     :: else
     fi;
     cas(seen, word, ok);
     if
     :: ok -> break
     :: else
     fi
  od
}

/* wait_for_lock(): `got` says whether it has the mutex. */
inline acquire(timed) {
  wakes = 0;
  do
  :: do
     :: take_if_free((wakes > 0 -> WAKING : 0), ok);
        if
        :: ok -> break
        :: else
        fi;
        lock_queue();
        announce(ok);
        if
        :: ok -> break
        :: else -> unlock_queue()
        fi
     od;
     load(seen);
     if
     :: OWNER(seen) == me -> got = true; break     /* taken by take_if_free */
     :: else
     fi;
     if
     :: wakes > 0 -> enter_front()
     :: else -> queue ! me
     fi;
     unlock_queue();
     if
     :: atomic { permit[me / 8] -> permit[me / 8] = false }
     :: timed && !patient -> lock_queue();
        if
        :: queue ?? [eval(me)] ->
           atomic { queue ?? eval(me) };
           if
           :: empty(queue) -> atomic { state = state & ~(WAITING | HANDOFF) }
           :: nempty(queue)
           fi;
           unlock_queue();
           atomic { got = false; patient = true }
           break
        :: else ->
           unlock_queue();
           atomic { permit[me / 8] -> permit[me / 8] = false }
        fi
     fi;
     load(seen);
     if
     :: OWNER(seen) == me -> got = true; break     /* handed over */
     :: else
     fi;
     wakes = (wakes < PATIENCE -> wakes + 1 : wakes)
  od
}

/* push_front: a channel is a queue, so everybody else goes round it. */
inline enter_front() {
  atomic {
    others = len(queue);
    queue ! me;
    do
    :: others > 0 -> queue ? who; queue ! who; others--
    :: else -> break
    od;
    who = 0
  }
}

/* unlock_contended() and wake_first(); the fast path is its second branch with no flag set. */
inline release() {
  do
  :: load(seen);
     if
     :: (seen & WAITING) != 0 && (seen & WAKING) == 0 ->
        lock_queue();
        if
        :: nempty(queue) ->
           queue ? who;
           atomic {
             word = ((state & HANDOFF) != 0 -> who : WAKING);
             word = (len(queue) > 0 -> word | WAITING : word)
           }
           atomic { assert(!destroyed); state = word }
           unlock_queue();
           permit[who / 8] = true;
           who = 0;
           break
        :: empty(queue) ->
#ifdef BUG_FREE_UNDER_LOCK
           atomic { assert(!destroyed); state = 0 }
           unlock_queue();
           break
#else
           unlock_queue()
#endif
        fi
     :: else ->
        cas(seen, seen & FLAGS, ok);
        if
        :: ok -> break
        :: else
        fi
     fi
  od
}

byte through = 0;

proctype locker(byte me; bool timed) {
  byte seen, word, wakes, others, who;
  bool ok, got, last, patient;
again:
  acquire(timed);
  if
  :: got ->
     atomic { inside++; assert(inside == 1) }
     atomic { references--; last = (references == 0); inside-- }
     release();
     if
     :: last -> destroyed = true
     :: else
     fi
  :: !got -> goto again     /* gave up; comes back for its reference, to stay */
  fi;
  through++
}

init {
  atomic {
    run locker(8, false);
    run locker(16, true);
#if LOCKERS > 2
    run locker(24, false);
#endif
#if LOCKERS > 3
    run locker(32, true)
#endif
  }
}

ltl all_done { <> (through == LOCKERS) }
