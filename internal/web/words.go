// Classes of outcomes and reasons of failures, in words.

package web

import "github.com/kie-exporter/kie_exporter/internal/kie"

// classInWords says what a class of outcome means.
func classInWords(c kie.Class) string {
	switch c {
	case kie.ClassOK:
		return "answered"
	case kie.ClassTaskFailed:
		return "the API says that the task has failed, which a second answer is to confirm"
	case kie.ClassNotFound:
		return "the API knows no such task"
	case kie.ClassBadRequest:
		return "the API does not accept the request"
	case kie.ClassAuth:
		return "the API refuses the key"
	case kie.ClassKeyLimit:
		return "the cap of the key is reached"
	case kie.ClassCredits:
		return "the account has no credits left"
	case kie.ClassDisabled:
		return "the API says that this is switched off"
	case kie.ClassMaintenance:
		return "the API is under maintenance"
	case kie.ClassRateLimited:
		return "the API was asked too often"
	case kie.ClassServer:
		return "the API has a fault of its own"
	case kie.ClassTransport:
		return "the API could not be reached"
	case kie.ClassTimeout:
		return "no answer in time"
	case kie.ClassDecode:
		return "the answer is not the JSON expected"
	case kie.ClassTooLarge:
		return "the answer is too large"
	case kie.ClassRedirect:
		return "the answer leads elsewhere"
	case kie.ClassMismatch:
		return "the answer is about another task"
	case kie.ClassOther:
	}
	return "something unforeseen"
}

// reasonInWords says what a reason of a failure means.
func reasonInWords(r kie.Reason) string {
	switch r {
	case kie.ReasonNone:
		return "kie.ai gave none"
	case kie.ReasonContentPolicy:
		return "the input, or what came of it, is against a policy"
	case kie.ReasonBadRequest:
		return "the parameters are not acceptable"
	case kie.ReasonCredits:
		return "there were not enough credits"
	case kie.ReasonTimeout:
		return "it took too long"
	case kie.ReasonUpstream:
		return "the model's own provider has failed"
	case kie.ReasonServer:
		return "a fault of kie.ai's own"
	case kie.ReasonOther:
	}
	return "one that is not known here"
}
