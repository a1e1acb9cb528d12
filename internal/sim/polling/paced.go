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

	Sent, Refused int    // our queries
	Used          int    // of those that passed
	App           int    // the application's requests
	AppRefused    int    // of those
	AppAlone      int    // would have been refused anyway
	All           []Sent // of our queries
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

// PartOf returns how many queries passed, as a part of those of who uses all that is free.
func (o *Outcome) PartOf(all *Outcome) float64 { return float64(o.Used) / float64(all.Used) }

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
		now = r.proceed(r.step(now))
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
}

// step sends a query if one is due and allowed, and returns when to try again.
func (r *runner) step(now time.Time) (again time.Time) {
	for ; r.listed < len(r.tasks) && !r.tasks[r.listed].Listed().After(now); r.listed++ {
		r.ours.List(r.tasks[r.listed], now)
		r.counting = r.counting || r.tasks[r.listed].Counts
	}
	if !r.ours.Due(now) {
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
func (r *runner) proceed(next time.Time) time.Time {
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
	return next
}

// Usable returns the highest even rate, as a part of what the application leaves on average, at which no more than two of 1,000 queries
// are refused, and no more than one in 2,000 of the application's requests on our account.
func Usable(scene Scene) float64 {
	for part := 1.0; part > 0.01; part -= 0.02 {
		if o := sendEvenly(scene, part*(scene.Limit(0)-scene.Application.PerSecond)); o.OursRefused() <= MostRefused && o.TheirsRefused() <= MostTheirsRefused {
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
		now = r.proceed(next)
	}
	return r.Outcome
}

// Settled is what came of a limit that fell.
type Settled struct {
	Below   time.Duration // after the fall: within the next minute, no ten seconds that begin later see more queries than the limit lets pass
	Refused int           // queries until none was for a minute
	Last    time.Duration // after the fall: the last of these
	Found   time.Duration // after the fall: the first one that was refused later
}

// Settled returns how the pace came below a limit that fell.
func (o *Outcome) Settled(fell time.Duration, limit float64) (s Settled) {
	const span = 10 * time.Second
	after := o.All[sort.Search(len(o.All), func(i int) bool { return o.All[i].At >= fell }):]
	within := 0
	for i, q := range after {
		for within < len(after) && after[within].At < q.At+span {
			within++
		}
		if q.At-fell < time.Minute && float64(within-i) > limit*span.Seconds() {
			s.Below = after[i+1].At - fell
		}
	}
	for _, q := range after {
		switch {
		case !q.Refused:
		case q.At-fell-s.Last > time.Minute:
			s.Found = q.At - fell
			return s
		default:
			s.Refused, s.Last = s.Refused+1, q.At-fell
		}
	}
	return s
}

// knowing is the pace of who knows the limit at any time.
type knowing struct {
	limit func(time.Duration) float64
	next  time.Time
}

// Take implements Pacer.
func (k *knowing) Take(now time.Time) (wait time.Duration) {
	if now.Before(k.next) {
		return k.next.Sub(now)
	}
	slot := seconds(1 / k.limit(now.Sub(Start())))
	if k.next = k.next.Add(slot); k.next.Before(now) {
		k.next = now // a slot that was not used is kept, one at the most
	}
	return 0
}

// Worth implements Pacer.
func (*knowing) Worth(float64) {}

// Refused implements Pacer.
func (*knowing) Refused(time.Time) {}
