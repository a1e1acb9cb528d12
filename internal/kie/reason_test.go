// Fail codes and messages, and the reason that they mean together.

package kie

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestCodeAndMessageTogetherGiveTheReason(t *testing.T) {
	for _, tc := range []struct {
		code, message string
		want          Reason
	}{
		// Pairs as the API has sent them.
		{"500", "Internal Error, Please try again later.", ReasonServer},
		{"500", "timed out", ReasonTimeout},
		{"500", "nsfw", ReasonContentPolicy},
		{"422", "CONTENT_POLICY_BLOCKED: the prompt timed out our patience", ReasonContentPolicy},
		{"422", "generate playground failed, task id is blank", ReasonUpstream},
		{"500", "generate playground failed, task id is blank", ReasonUpstream},
		{"400", "The parameters aspect_ratio, duration are not valid", ReasonBadRequest},
		{"400", "The parameters safety_tolerance and timeout are not valid", ReasonBadRequest},
		{"400", "Rejected by the safety system", ReasonContentPolicy},
		{"400", "The moderator said no", ReasonContentPolicy},
		{"400", "This may violate our terms", ReasonContentPolicy},
		{"400", "Your request could not be processed", ReasonContentPolicy},
		{"400", "Sensitive input", ReasonContentPolicy},
		// The message alone.
		{"", "Timeout while waiting", ReasonTimeout},
		{"", "task id is blank", ReasonUpstream},
		{"", "Insufficient credits", ReasonCredits},
		{"", "internal error", ReasonServer},
		{"", "duration is not valid", ReasonBadRequest},
		{"", "not valid: sensitive", ReasonContentPolicy},
		{"", "some other text", ReasonOther},
		// The code alone.
		{"400", "", ReasonBadRequest},
		{"422", "some other text", ReasonBadRequest},
		{"402", "", ReasonCredits},
		{"408", "", ReasonTimeout},
		{"501", "", ReasonUpstream},
		{"GENERATION_FAILED", "", ReasonUpstream},
		{"500", "", ReasonServer},
		{"502", "", ReasonServer},
		{"503", "", ReasonServer},
		{"504", "", ReasonServer},
		{"550", "", ReasonServer},
		{"999", "", ReasonOther},
		{"SOMETHING", "", ReasonOther},
		{"", " ", ReasonNone},
		{"", "", ReasonNone},
	} {
		t.Run(tc.code+" "+tc.message, func(t *testing.T) {
			message, _ := json.Marshal(tc.message)
			data := `{"state":%q,"failCode":%q,"failMsg":%s}`
			a, err := ask(t, 200, `{"code":200,"data":`+fmt.Sprintf(data, "fail", tc.code, message)+`}`)
			wantClass(t, err, ClassOK)
			if a.Reason != tc.want {
				t.Errorf("reason %v, want %v", a.Reason, tc.want)
			}
			a, err = ask(t, 200, `{"code":200,"data":`+fmt.Sprintf(data, "success", tc.code, message)+`}`)
			wantClass(t, err, ClassOK)
			if a.Reason != ReasonNone || a.FailCode != "" {
				t.Errorf("a success has reason %v and fail code %q", a.Reason, a.FailCode)
			}
		})
	}
}
