// Texts that tell of moderation, and texts that only sound like it.

package kie

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

var moderated = []string{
	"nsfw", "NSFW", "NSFW content detected", "nsfw_content_detected", "Image flagged as NSFW", "The generated video was flagged as not safe for work",
	"Your prompt was flagged by Website as violating content policies",
	"Your prompt was flagged by our moderation system",
	"The input image was flagged",
	"flagged: prompt",
	"content policy violation", "content_policy_violation", "Content Policy Violated", "CONTENT_POLICY_BLOCKED: see the documentation",
	"This request violates our content policy.", "The prompt violates the usage policies of the provider", "This may violate our terms",
	"violating community guidelines", "Policy violation", "PolicyViolation", "The output violated a policy", "Violation of OpenAI's policies",
	"OutputVideoSensitiveContentDetected.PolicyViolation", "InputTextSensitiveContentDetected",
	"Blocked by policy", "Rejected because of our policies", "Your image goes against our policy on likeness", "The prompt does not comply with our policies",
	"Content policies do not allow this", "Blocked due to content policy", "Request declined: prohibited use policy",
	"moderation", "moderation_blocked", "Moderated", "Rejected by the moderator", "Your request was rejected by moderation", "Content moderation failed",
	"Prompt did not pass moderation", "The image has been moderated", "input-moderation",
	"safety", "Rejected by the safety system", "Your request was rejected as a result of our safety system.", "image_safety", "SAFETY",
	"Blocked for safety reasons", "Failed the safety check", "Filtered by safety filters", "PUBLIC_ERROR_UNSAFE_GENERATION", "Unsafe content",
	"Sensitive input", "The text contains sensitive words", "The request failed because the input image may contain sensitive information", "sensitive content detected",
	"prohibited content", "PROHIBITED_CONTENT", "The prompt contains prohibited words", "This content is prohibited", "Prohibited prompt",
	"public error minor upload", "PUBLIC_ERROR_MINOR_UPLOAD", "public_error_minor_upload: try another image", "Images with minors uploaded", "Uploads of minors are not allowed",
	"public error prominent people upload", "PUBLIC_ERROR_PROMINENT_PEOPLE_UPLOAD", "prominent people filter", "The photo shows a public figure",
	"Your request could not be processed", "inappropriate content", "Invalid request: content_policy_violation",
	"Your prompt violates content guidelines", "the request was blocked by our moderation filter", "Moderation check did not pass", "violates policies",
	"policy violated", "This prompt may violate our policies.", "Flagged", "Content flagged", "flagged as inappropriate", "The image contains prohibited items",
	"Use of celebrities is prohibited", "minor upload", "Minor uploads are not allowed", "prominent person upload", "Safety policy violation", "policy_violation_error",
	"The content violates our Terms of Service", "Your image violates Google's Prohibited Use Policy", "Moderation score too high", "Content filter triggered",
	"Prompt is not allowed by policy", "contentPolicyViolation", "sexual content policy", "The policy was violated by the uploaded video",
	"The input image contains content that has been blocked by your current safety settings for person/face generation.",
	"InputImageRiskDetection failed", "Failure to pass the risk control system", "The uploaded photo was rejected: it appears to depict a minor.",
	"1301: 系统检测到输入或生成内容可能包含敏感内容", "Upload of a minor",
	"Code 400: the generated content was flagged, no retry", "rate limit not reached, but the prompt violates our content policy",
}

var unmoderated = []string{
	"rate limit policy exceeded", "Rate limiting policy", "This violates the rate limit policy", "rate-limit policy violation", "You violated the rate limit",
	"privacy policy url", "privacy_policy_url is not valid", "See our privacy policy", "The privacy policy URL could not be fetched", "privacyPolicyUrl is required",
	"retry policy exhausted", "Rejected by the retry policy", "Blocked by CORS policy", "Content Security Policy blocks this URL", "blocked by firewall policy",
	"The IAM policy denied access", "bucket policy denies access to the object", "access policy not found", "cache policy", "Our refund policy applies",
	"quota policy violated", "data retention policy: the file was deleted", "Policy engine timed out", "unknown policy",
	"minor version", "Unsupported minor version 2.1", "minor error while uploading, try again", "A minor upload issue occurred", "minor release", "minor_version must be a number",
	"safety_tolerance is not valid", "safety_tolerance must be between 1 and 6", "Invalid safety tolerance", "unexpected keyword argument 'safety_checker'", "parameter safety is required",
	"enable_safety_checker must be a boolean", "nsfw_checker must be a boolean", "field 'nsfw' is unknown", "safety margin exceeded", "not thread safe: thread safety check failed",
	"moderate load, please wait", "moderately high demand", "moderation_level is not valid", "The moderation service is unavailable", "moderation API timed out", "moderation must be one of auto, low",
	"sensitive data", "Do not send sensitive data in URLs", "model names are case sensitive", "Case-sensitive parameter", "insensitive", "latency-sensitive queue is full", "sensitive fields were removed from the log",
	"Foreign key constraint violation", "violates unique constraint", "schema violation at $.input", "protocol violation", "access violation at 0x0", "Segmentation violation",
	"flagged for retry", "The job was flagged as stale", "task flagged as lost by the scheduler", "The request was flagged for maintenance", "flagged_frames is not valid",
	"prohibited character in task id", "Redirects are prohibited", "concurrent requests are prohibited", "access prohibited", "HTTP method prohibited",
	"Your account has been flagged", "moderate quality is not supported", "moderator_id is not valid", "safetySettings[0].threshold is invalid",
	"Missing required parameter: safety_identifier", "invalid value for 'moderation': expected auto", "nsfw is not a valid option", "unknown name \"safety\"",
	"content_policy_url must be a URL", "The content policy url must be a URL", "content-policy-id not found", "safety check timed out", "moderation_queue is full",
	"The callback URL violates the URL format", "Safety checker model failed to load: CUDA out of memory", "Request timed out in moderation queue",
	"Your API key has been flagged as leaked, please use another API key", "HTTP/1.1 403 Prohibited", "The file type is prohibited",
	"sensitive_word_check parameter must be boolean", "nsfw_checker is an unknown field", "image dimension violates minimum size 300px",
	"The image is too large, max 10 MB allowed by our upload policy", "Service suspended due to maintenance policy", "lock order violation detected",
	"task flagged as stuck by watchdog", "unsupported value: moderation='strict'", "failed to upload minor thumbnail", "instance flagged for preemption",
	"Moderation endpoint returned 503", "moderation api error: connection refused", "Error calling moderation service: 500", "GPU flagged faulty",
	"safety settings must be a list", "Invalid safety settings", "safety_level is not supported",
	"sharing violation on file", "violation of the unique key", "prohibited_uses is required", "policy", "token policy", "the policy document has expired",
	"Internal Error, Please try again later.", "timed out", "generate playground failed, task id is blank", "Server exception, please try again later",
	"police", "policyholder", "polite", "modern", "modem error", "prominent error", "people upload images too fast", "upload failed", "nsf", "safe", "save failed",
	"The parameters safety_tolerance and timeout are not valid",
}

func TestModerationIsKnownInEveryInflection(t *testing.T) {
	for _, text := range moderated {
		for _, form := range []string{text, strings.ToUpper(text), "Error: " + text} {
			for _, code := range []string{"500", "501", "400", "422"} {
				if got := failedFor(t, code, form); got != ReasonContentPolicy {
					t.Errorf("%s %q: reason %v, want content_policy", code, form, got)
				}
			}
		}
	}
}

func TestWhatOnlySoundsLikeModerationIsNot(t *testing.T) {
	for _, text := range unmoderated {
		for _, form := range []string{text, strings.ToUpper(text), "Error: " + text + "."} {
			if got := failedFor(t, "500", form); got == ReasonContentPolicy {
				t.Errorf("%q: reason content_policy", form)
			}
		}
	}
}

func TestBothSidesOfModerationHaveFortyTextsOrMore(t *testing.T) {
	if len(moderated) < 40 || len(unmoderated) < 40 {
		t.Errorf("%d texts of moderation and %d others", len(moderated), len(unmoderated))
	}
}

func TestModerationIsKnownByTheCodeAndTheEnvelopeToo(t *testing.T) {
	for body, want := range map[string]Reason{
		`{"code":200,"data":{"state":"fail","failCode":"CONTENT_POLICY_VIOLATION"}}`:                        ReasonContentPolicy,
		`{"code":200,"data":{"state":"fail","failCode":"content_policy_violation"}}`:                        ReasonContentPolicy,
		`{"code":200,"data":{"state":"fail","failCode":"SensitiveContentDetected","failMsg":""}}`:           ReasonContentPolicy,
		`{"code":200,"data":{"state":"fail","failCode":"PUBLIC_ERROR_MINOR_UPLOAD","failMsg":"try again"}}`: ReasonContentPolicy,
		`{"code":501,"msg":"Your prompt was flagged by Website as violating content policies"}`:             ReasonContentPolicy,
		`{"code":501,"message":"content policy violation","data":{"failMsg":""}}`:                           ReasonContentPolicy,
		`{"code":501,"msg":"moderation","data":{"failMsg":"timed out"}}`:                                    ReasonTimeout,
		`{"code":501,"msg":"failed","data":null}`:                                                           ReasonUpstream,
		`{"code":200,"msg":"moderation","data":{"state":"fail","failCode":"500"}}`:                          ReasonServer,
	} {
		a, _ := ask(t, 200, body)
		if a.State != StateFail || a.Reason != want {
			t.Errorf("%s: state %v, reason %v, want %v", body, a.State, a.Reason, want)
		}
	}
}

func TestAVeryLongFailureTextIsReadInNoTime(t *testing.T) {
	if got := failedFor(t, "500", "nsfw "+strings.Repeat("violates the ", 300_000)); got != ReasonContentPolicy {
		t.Errorf("reason %v", got)
	}
}

// failedFor returns the reason of a failure with a code and a message.
func failedFor(t *testing.T, code, message string) Reason {
	t.Helper()
	msg, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{status: 200, body: fmt.Appendf(nil, `{"code":200,"data":{"state":"fail","failCode":%q,"failMsg":%s}}`, code, msg)}
	a, err := r.record(&endpoints[Jobs].task, testID)
	if err != nil {
		t.Fatal(err)
	}
	return a.Reason
}
