// The models whose tasks are simulated, and the ways in which tasks fail.

package kiesim

import "time"

// Model describes the lives of a model's tasks.
type Model struct {
	Name   string
	Weight float64 // share of the tasks created, relative to the other models'

	// Durations are lognormal around Median with spread Sigma, cut off at two sigmas.
	Median time.Duration
	Sigma  float64

	InFlight     string // as in Task
	FailureRatio float64
	EmptyRatio   float64 // of the successes: those without a result
	Results      int     // most result URLs of a task; 0: one
	Credits      float64 // of a success
	Quirks       Quirk   // of every task
}

// Failure is how a task fails.
type Failure struct {
	Code   any // a string or a number; "" or nil is none
	Msg    string
	Weight float64 // share of the random failures; means nothing in a scripted one
}

// Canary is part of every param, result URL and some failure messages: what shows it has leaked them.
const Canary = "lighthouse-at-dusk"

// DefaultModels returns models with the names, durations and in-flight words of real ones.
func DefaultModels() []Model {
	return []Model{
		{Name: "google/nano-banana", Weight: 5, Median: 25 * time.Second, Sigma: 0.35, InFlight: "waiting", FailureRatio: 0.08, EmptyRatio: 0.01, Credits: 4},
		{Name: "elevenlabs/text-to-speech-turbo-2-5", Weight: 4, Median: 2450 * time.Millisecond, Sigma: 0.1, InFlight: "waiting", FailureRatio: 0.02, Credits: 0.6},
		{Name: "bytedance/seedream", Weight: 4, Median: 32 * time.Second, Sigma: 0.4, InFlight: "generating", FailureRatio: 0.06, EmptyRatio: 0.02, Results: 6, Credits: 3.5},
		{Name: "gpt-image/1.5-text-to-image", Weight: 3, Median: 60 * time.Second, Sigma: 0.3, InFlight: "generating", FailureRatio: 0.12, EmptyRatio: 0.01, Results: 4, Credits: 4, Quirks: QuirkPlainResult},
		{Name: "kling/v2-5-turbo-image-to-video-pro", Weight: 3, Median: 130 * time.Second, Sigma: 0.42, InFlight: "waiting", FailureRatio: 0.08, Credits: 42},
		{Name: "sora-2-text-to-video", Weight: 2, Median: 180 * time.Second, Sigma: 0.27, InFlight: "waiting queuing generating", FailureRatio: 0.2, EmptyRatio: 0.01, Credits: 30},
		{Name: "bytedance/v1-pro-text-to-video", Weight: 2, Median: 95 * time.Second, Sigma: 0.25, InFlight: "generating", FailureRatio: 0.06, Credits: 60},
		{Name: "recraft/remove-background", Weight: 2, Median: 14 * time.Second, Sigma: 0.05, InFlight: "waiting", FailureRatio: 0.03, Credits: 1, Quirks: QuirkResultObject},
		{Name: "topaz/video-upscale", Weight: 1, Median: 420 * time.Second, Sigma: 0.32, InFlight: "waiting", FailureRatio: 0.08, Credits: 72},
	}
}

// Failures returns every known pair of code and message, in the forms in which they come.
func Failures() []Failure {
	return []Failure{
		{Code: "500", Msg: "Internal Error, Please try again later.", Weight: 6},
		{Code: 500, Msg: "Internal Error, Please try again later.", Weight: 2},
		{Code: "500", Msg: "timed out", Weight: 3},
		{Code: "500", Msg: "nsfw", Weight: 2},
		{Code: "422", Msg: "CONTENT_POLICY_BLOCKED: the input " + imageURL + " was refused", Weight: 2},
		{Code: "422", Msg: "generate playground failed, task id is blank", Weight: 2},
		{Code: "500", Msg: "generate playground failed, task id is blank", Weight: 1},
		{Code: "400", Msg: "The parameters in the request are not valid", Weight: 2},
		{Code: "400", Msg: "Your request was rejected by the safety system", Weight: 1},
		{Code: "400", Msg: "The image may violate our policy: " + imageURL, Weight: 1},
		{Code: "400", Msg: "The moderator refused the prompt", Weight: 1},
		{Code: "400", Msg: "The input could not be processed", Weight: 1},
		{Code: "400", Msg: "The prompt contains sensitive words", Weight: 1},
		{Code: "501", Msg: "Generation failed", Weight: 1},
		{Code: "GENERATION_FAILED", Msg: "The model gave no output", Weight: 1},
		{Code: "", Msg: "", Weight: 1},
		{Code: nil, Msg: "", Weight: 1},
	}
}

const imageURL = "https://files.example.com/" + Canary + "/input.png"
