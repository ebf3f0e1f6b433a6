// Package dashboard is what people see: pages that are complete without JavaScript, in any browser, on a slow line.
//
// Every value is shown with its unit, its age and its quality in words; every chart is followed by a table; every score
// can be followed down to the readings it stands on, and every statement says how to check it without trusting this hub.
//
// Read in this order: sources.go (what the pages are made from), server.go (the addresses and how an answer is sent),
// then a page: front.go with templates/front.html. series.go, chart.go and sitemap.go turn numbers into pictures;
// words.go and messages/ turn them into language. A translation is one more file in messages/.
//
// The pages load nothing from elsewhere, set no cookies and keep no state of their own. What is expensive is remembered
// for a moment (memo.go), so a crowd costs as much as one visitor.
package dashboard
