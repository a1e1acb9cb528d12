// Package question says what replicas ask each other, and what can become of that.
package question

// Kind is what is told or asked.
type Kind string

// The kinds. Other is what can't be read.
const (
	Hint  Kind = "hint"  // a callback came about a task
	Push  Kind = "push"  // ids were pushed
	Probe Kind = "probe" // how a task stands, by asking about it now
	Page  Kind = "page"  // of tasks
	Other Kind = "other"
)

// Kinds returns every kind.
func Kinds() []Kind { return []Kind{Hint, Push, Probe, Page, Other} }

// Result is what became of a question.
type Result string

// The results. The first four are told by who asks, the others by whose box it came to.
const (
	Sent     Result = "sent"     // it is in a box
	Failed   Result = "failed"   // Redis did not take it, or the box was full
	Answered Result = "answered" // in time
	Silent   Result = "silent"   // nobody answered in time
	Taken    Result = "taken"    // from a box of this process
	Refused  Result = "refused"  // it came too late, could not be read, or there were too many at a time
)

// Results returns every result.
func Results() []Result { return []Result{Sent, Failed, Answered, Silent, Taken, Refused} }

// Count is by what questions are counted.
type Count struct {
	Kind   Kind
	Result Result
}
