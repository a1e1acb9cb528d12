// Codes, statuses and bodies, and the class that each is.

package kie

import (
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestCodeInTheEnvelopeDecidesTheClass(t *testing.T) {
	for _, tc := range []struct {
		code int
		msg  string
		want Class
	}{
		{200, "success", ClassOK},
		{400, "taskId is required", ClassBadRequest},
		{401, "You do not have access permissions", ClassAuth},
		{402, "The current credits are insufficient. Please top up.", ClassCredits},
		{402, "", ClassCredits},
		{404, "", ClassNotFound},
		{405, "", ClassRateLimited},
		{408, "", ClassTaskFailed},
		{409, "", ClassOther},
		{422, "recordInfo is null", ClassNotFound},
		{422, "The Record result data is blank", ClassNotFound},
		{422, "taskId must be a string", ClassBadRequest},
		{429, "Your call frequency is too high. Please try again later.", ClassRateLimited},
		{429, "Insufficient CREDITS", ClassCredits},
		{500, "credits insufficient", ClassCredits},
		{200, "The current credits are insufficient", ClassOK},
		{430, "", ClassRateLimited},
		{433, "", ClassKeyLimit},
		{451, "", ClassOther},
		{455, "", ClassMaintenance},
		{500, "Server exception, please try again later", ClassServer},
		{501, "", ClassTaskFailed},
		{502, "", ClassServer},
		{503, "", ClassServer},
		{504, "", ClassServer},
		{505, "", ClassDisabled},
		{550, "", ClassServer},
		{0, "", ClassOther},
		{-1, "", ClassOther},
		{403, "", ClassOther},
		{599, "", ClassOther},
		{201, "", ClassOther},
	} {
		for _, key := range []string{"msg", "message"} {
			t.Run(fmt.Sprintf("%d %s %s", tc.code, key, tc.msg), func(t *testing.T) {
				// A data that says success must not matter to a code that says otherwise.
				body := fmt.Sprintf(`{"code":%d,%q:%q,"data":{"taskId":%q,"state":"success"}}`, tc.code, key, tc.msg, testID)
				for _, status := range []int{200, 404, 500, 501} {
					a, err := ask(t, status, body)
					wantClass(t, err, tc.want)
					if tc.want != ClassOK && tc.want != ClassTaskFailed && a != (Answer{}) {
						t.Errorf("answer %+v beside an error", a)
					}
				}
			})
		}
	}
}

// Without the API's own envelope something in between has answered.
func TestStatusDecidesOnlyWithoutEnvelope(t *testing.T) {
	for status, want := range map[int]Class{
		200: ClassDecode, 201: ClassDecode, 204: ClassDecode,
		301: ClassRedirect, 302: ClassRedirect, 304: ClassRedirect, 308: ClassRedirect,
		400: ClassServer, 401: ClassAuth, 402: ClassServer, 403: ClassServer, 404: ClassServer, 405: ClassServer,
		407: ClassServer, 408: ClassServer, 409: ClassServer, 410: ClassServer, 418: ClassServer, 421: ClassServer,
		422: ClassServer, 429: ClassRateLimited, 430: ClassServer, 433: ClassServer, 451: ClassServer, 455: ClassServer,
		500: ClassServer, 501: ClassServer, 502: ClassServer, 503: ClassServer, 504: ClassServer, 505: ClassServer,
		507: ClassServer, 520: ClassServer, 550: ClassServer, 599: ClassServer, 600: ClassServer,
	} {
		for _, body := range foreignBodies {
			t.Run(fmt.Sprintf("%d %s", status, body), func(t *testing.T) {
				if status == http.StatusNoContent || status == http.StatusNotModified {
					body = "" // HTTP allows none
				}
				c := serve(t, answering(status, body))
				_, err := c.Record(t.Context(), Jobs, testID)
				wantClass(t, err, want)
				if IsForeign(err) != (want != ClassRedirect) {
					t.Errorf("foreign: %v", IsForeign(err))
				}
				_, err = c.Credit(t.Context())
				wantClass(t, err, want)
			})
		}
	}
}

// foreignBodies are what gateways, proxies and login pages answer.
var foreignBodies = []string{
	"", "<html><title>error</title></html>", "404 page not found", `{"error":"no code"}`, `[]`, `null`, `"x"`,
	`{"message":"no Route matched with those values"}`, `{"detail":"Not Found"}`, `{"code":"RESOURCE_NOT_FOUND","message":"no"}`,
	`{"msg":"recordInfo is null"}`, `{"message":"credits insufficient"}`, `{"CODE":404}`, `{"code":null}`, `{"error":{"code":404}}`,
	`{"code":5,"message":"Not Found","details":[]}`, `{"code":14,"message":"upstream connect error","details":[]}`,
}

func TestAnEnvelopeIsNeverForeign(t *testing.T) {
	for _, body := range []string{`{"code":404}`, `{"code":"500"}`, `{"code":501,"data":null}`, `{"code":200}`, `{"code":200,"data":[]}`} {
		for _, status := range []int{200, 404, 502} {
			if _, err := ask(t, status, body); err == nil || IsForeign(err) {
				t.Errorf("%d %s: %v is foreign", status, body, err)
			}
		}
	}
	if IsForeign(nil) || IsForeign(&Error{Class: ClassTransport}) {
		t.Error("foreign without any answer")
	}
}

func TestAPageTooLongOrBrokenIsStillAPage(t *testing.T) {
	for status, want := range map[int]Class{200: ClassTooLarge, 404: ClassServer, 401: ClassAuth, 429: ClassRateLimited, 503: ClassServer} {
		_, err := ask(t, status, strings.Repeat("x", maxBody+1))
		wantClass(t, err, want)
	}
	for status, want := range map[int]Class{200: ClassDecode, 404: ClassServer, 401: ClassAuth, 503: ClassServer} {
		_, err := ask(t, status, "plain text", "Content-Encoding", "gzip")
		wantClass(t, err, want)
	}
}

func TestCodeIsReadInEveryForm(t *testing.T) {
	for form, want := range map[string]Class{
		`200`: ClassOK, `"200"`: ClassOK, `200.0`: ClassOK, `2e2`: ClassOK, `" 200 "`: ClassOK, `"429"`: ClassRateLimited,
		`null`: ClassDecode, `true`: ClassDecode, `200.5`: ClassDecode, `"ok"`: ClassDecode, `""`: ClassDecode, `[200]`: ClassDecode,
		`9223372036854775808`: ClassDecode, `1e400`: ClassDecode, `"NaN"`: ClassDecode, `"0xC8"`: ClassDecode,
	} {
		_, err := ask(t, 200, `{"code":`+form+`,"data":{}}`)
		if got := ClassOf(err); got != want {
			t.Errorf("code %s: class %v, want %v", form, got, want)
		}
	}
	_, err := ask(t, 200, `{"CODE":200,"data":{}}`)
	wantClass(t, err, ClassDecode)
}

func TestEnvelopeWithoutDataIsNotFoundAndWithOddDataDecode(t *testing.T) {
	for body, want := range map[string]Class{
		`{"code":200}`:                    ClassNotFound,
		`{"code":200,"data":null}`:        ClassNotFound,
		`{"code":200,"data":[]}`:          ClassDecode,
		`{"code":200,"data":"x"}`:         ClassDecode,
		`{"code":200,"data":7}`:           ClassDecode,
		`{"code":200,"data":{}}`:          ClassOK,
		`{"code":401}`:                    ClassAuth,
		`{"code":402,"data":null}`:        ClassCredits,
		`{"code":500,"data":null}`:        ClassServer,
		`{"code":200,"data":{},"more":1}`: ClassOK,
	} {
		_, err := ask(t, 200, body)
		if got := ClassOf(err); got != want {
			t.Errorf("%s: class %v, want %v", body, got, want)
		}
	}
}

func TestBodyThatIsNotJSONIsDecode(t *testing.T) {
	for name, body := range map[string]string{
		"empty":              "",
		"null":               "null",
		"array":              "[]",
		"byte order mark":    "\ufeff" + documented,
		"trailing garbage":   documented + "x",
		"two documents":      documented + documented,
		"truncated":          documented[:len(documented)/2],
		"nested arrays":      strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		"nested arrays open": `{"code":200,"data":` + strings.Repeat("[", 20_000),
		"HTML":               "<!doctype html><h1>hello</h1>",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ask(t, 200, body)
			wantClass(t, err, ClassDecode)
		})
	}
	t.Run("brotli", func(t *testing.T) {
		_, err := ask(t, 200, "\x8b\x02\x80{}\x03", "Content-Encoding", "br")
		wantClass(t, err, ClassDecode)
	})
	t.Run("plain text said to be gzip", func(t *testing.T) {
		_, err := ask(t, 200, documented, "Content-Encoding", "gzip")
		wantClass(t, err, ClassDecode)
	})
}

func TestErrorTellsStatusCodeAndRetryAfter(t *testing.T) {
	_, err := ask(t, 429, `{"code":430,"msg":"slow down"}`, "Retry-After", "7")
	wantError(t, err, Error{Class: ClassRateLimited, Status: 429, Code: 430, RetryAfter: 7 * time.Second})
	_, err = ask(t, 503, "<html>", "Retry-After", "120")
	wantError(t, err, Error{Class: ClassServer, Status: 503, RetryAfter: 2 * time.Minute, Foreign: true})
}

func wantError(t *testing.T, err error, want Error) {
	t.Helper()
	if e, ok := errors.AsType[*Error](err); !ok || *e != want {
		t.Errorf("error %+v, want %+v", err, want)
	}
}

func TestRetryAfterIsNeverNegativeNorBeyondAnHour(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "abc": 0, "1.5": 0, "5s": 0, "+5": 0, "٣": 0,
		"5": 5 * time.Second, "007": 7 * time.Second,
		"3600": time.Hour, "31536000": time.Hour, "9223372037": time.Hour, strings.Repeat("9", 400): time.Hour,
		now.Add(time.Minute).Format(http.TimeFormat):    time.Minute,
		now.Add(-time.Minute).Format(http.TimeFormat):   0,
		now.AddDate(300, 0, 0).Format(http.TimeFormat):  time.Hour,
		now.AddDate(-300, 0, 0).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestRetryAfterDateIsMeasuredByTheAPIsClock(t *testing.T) {
	_, err := ask(t, 429, "", "Date", "Mon, 01 Jan 2024 00:00:00 GMT", "Retry-After", "Mon, 01 Jan 2024 00:00:42 GMT")
	wantError(t, err, Error{Class: ClassRateLimited, Status: 429, RetryAfter: 42 * time.Second, Foreign: true})
}

// FuzzRetryAfter: what is no count of seconds and no date in the time to come is 0; all else is just what it says, up to an hour.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "5", "-5", "abc", "9223372037", "99999999999999999999", "Mon, 01 Jan 2024 00:00:42 GMT"} {
		f.Add(seed, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, header string, now int64) {
		var want time.Duration
		text := strings.TrimSpace(header)
		if seconds, ok := new(big.Int).SetString(text, 10); ok && text[0] >= '0' && text[0] <= '9' {
			want = time.Hour
			if seconds.Cmp(big.NewInt(3600)) < 0 {
				want = time.Duration(seconds.Int64()) * time.Second
			}
		} else if at, err := http.ParseTime(text); err == nil {
			want = min(max(at.Sub(time.Unix(now, 0)), 0), time.Hour)
		}
		if got := retryAfter(header, time.Unix(now, 0)); got != want {
			t.Errorf("%q at %d: %v, want %v", header, now, got, want)
		}
	})
}
