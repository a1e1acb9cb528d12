// A budget that is held to a limit nobody knows, and shared with an application.

package polling

import (
	"slices"
	"sort"
	"time"
)

// Pacer says when the next query may be sent, as pace.Limiter does.
type Pacer interface {
	Take(now time.Time) (wait time.Duration)
	Worth(seconds float64)
	Refused(now time.Time)
}

// Scene is an API with a limit, and an application that uses the same key.
type Scene struct {
	Limiter     string
	Limit       func(at time.Duration) float64 // requests a second, so long after the start
	Application Traffic
}

// Constant returns a limit that stays.
func Constant(perSecond float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return perSecond }
}

// Outcome is what came of a scene.
type Outcome struct {
	Result

	Sent, Refused int     // our queries
	Used          int     // of those that passed, while there was demand
	App           int     // the application's requests
	AppRefused    int     // of those
	AppAlone      int     // would have been refused anyway
	Free          float64 // requests that the application left of the limit, while there was demand
	All           []Sent  // of our queries
}

// Sent is one of our queries.
type Sent struct {
	At      time.Duration // after the start
	Refused bool
}

// OursRefused returns how many of 1,000 queries were refused.
func (o *Outcome) OursRefused() float64 { return 1000 * float64(o.Refused) / float64(o.Sent) }

// TheirsRefused returns how many of the application's 1,000 requests were refused because of us.
func (o *Outcome) TheirsRefused() float64 {
	return 1000 * float64(o.AppRefused-o.AppAlone) / float64(max(1, o.App))
}

// PartUsed returns which part of what was free was used while there was demand.
func (o *Outcome) PartUsed() float64 { return float64(o.Used) / o.Free }

// gatePause is how long no query is sent after the n-th refusal in a row, from 0: as internal/budget has it, but for what is left to chance.
func gatePause(n int) time.Duration { return min(5*time.Second<<min(n, 10), 5*time.Minute) }

// RunPaced has our own strategy ask about the tasks, which are in the order of their listing, as a pacer allows and the scene's API lets
// pass. What is counted begins with the first task that counts.
func RunPaced(tasks []*Task, p Pacer, scene Scene) Outcome {
	r := runner{ours: Ours(true), pacer: p, scene: scene, tasks: tasks, limiter: NewLimiter(scene.Limiter), alone: NewLimiter(scene.Limiter)}
	r.scene.Application.begin()
	for _, k := range tasks {
		if k.Counts {
			r.missing++
		}
	}
	for now := Start(); r.missing > 0; {
		now = r.proceed(now, r.step(now))
	}
	slices.Sort(r.Delays)
	return r.Outcome
}

type runner struct {
	Outcome

	ours     *Learning
	pacer    Pacer
	scene    Scene
	tasks    []*Task
	limiter  Limiter
	alone    Limiter // what it would be without us
	listed   int
	missing  int
	inARow   int // refusals
	counting bool
	wanted   bool // there is something to ask
}

// step sends a query if one is due and allowed, and returns when to try again.
func (r *runner) step(now time.Time) (again time.Time) {
	for ; r.listed < len(r.tasks) && !r.tasks[r.listed].Listed().After(now); r.listed++ {
		r.ours.List(r.tasks[r.listed], now)
		r.counting = r.counting || r.tasks[r.listed].Counts
	}
	if r.wanted = r.ours.Due(now); !r.wanted {
		return now.Add(50 * time.Millisecond)
	}
	if wait := r.pacer.Take(now); wait > 0 {
		return now.Add(wait)
	}
	k := r.ours.Next(now)
	r.pacer.Worth(r.ours.Worth())
	passes := r.limiter.Admit(now, r.limit(now))
	r.note(now, passes)
	if !passes {
		r.ours.Refused(k, now)
		r.pacer.Refused(now)
		r.inARow++
		return now.Add(gatePause(r.inARow - 1))
	}
	r.inARow = 0
	r.answer(k, now)
	return now
}

func (r *runner) limit(now time.Time) float64 { return r.scene.Limit(now.Sub(Start())) }

func (r *runner) note(now time.Time, passes bool) {
	r.All = append(r.All, Sent{now.Sub(Start()), !passes})
	switch {
	case !r.counting:
		return
	case passes:
		r.Used++
	default:
		r.Refused++
	}
	r.Sent++
}

func (r *runner) answer(k *Task, now time.Time) {
	end := k.Born.Add(k.Duration)
	done := !end.After(now)
	r.ours.Answer(k, done, now)
	r.Queries++
	if done {
		r.Finished++
	}
	if done && k.Counts {
		r.missing--
		r.Delays = append(r.Delays, now.Sub(end).Seconds())
	}
}

// proceed lets time pass until our next step.
func (r *runner) proceed(now, next time.Time) time.Time {
	app := &r.scene.Application
	for ; !app.next.After(next); app.advance() {
		passes, alone := r.limiter.Admit(app.next, r.limit(app.next)), r.alone.Admit(app.next, r.limit(app.next))
		if !r.counting {
			continue
		}
		r.App++
		if !passes {
			r.AppRefused++
		}
		if !alone {
			r.AppAlone++
		}
	}
	if r.counting && r.wanted {
		r.Free += max(0, r.limit(next)-app.PerSecond) * next.Sub(now).Seconds()
	}
	return next
}

// Usable returns the highest even rate, as a part of what the application leaves on average, at which no more than two of 1,000 queries
// are refused, and no more than one in 2,000 of the application's requests on our account.
func Usable(scene Scene) float64 {
	for part := 1.0; part > 0.01; part -= 0.02 {
		if o := sendEvenly(scene, part*(scene.Limit(0)-scene.Application.PerSecond)); o.OursRefused() <= 2 && o.TheirsRefused() <= 0.5 {
			return part
		}
	}
	return 0
}

// sendEvenly sends 20,000 queries at a rate.
func sendEvenly(scene Scene, perSecond float64) Outcome {
	r := runner{scene: scene, limiter: NewLimiter(scene.Limiter), alone: NewLimiter(scene.Limiter), counting: true}
	r.scene.Application.begin()
	for now := Start(); r.Sent < 20_000; {
		passes := r.limiter.Admit(now, r.limit(now))
		r.note(now, passes)
		next := now.Add(seconds(1 / perSecond))
		if !passes {
			next = now.Add(gatePause(0))
		}
		now = r.proceed(now, next)
	}
	return r.Outcome
}

// Settled returns how long after the limit fell the first ten seconds begin that see no more queries than it lets pass in those, how many
// queries were refused until there was none for a minute, and how long after the fall the last of these was.
func (o *Outcome) Settled(fell time.Duration, limit float64) (below time.Duration, refused int, found time.Duration) {
	const span = 10 * time.Second
	after := o.All[sort.Search(len(o.All), func(i int) bool { return o.All[i].At >= fell }):]
	within := 0
	for i, q := range after {
		for within < len(after) && after[within].At < q.At+span {
			within++
		}
		if float64(within-i) <= limit*span.Seconds() {
			below = q.At - fell
			break
		}
	}
	last := fell
	for _, q := range after {
		if q.At-last > time.Minute {
			break
		}
		if q.Refused {
			refused, last = refused+1, q.At
		}
	}
	return below, refused, last - fell
}
