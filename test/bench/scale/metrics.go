package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/rest"
)

// counters are samples of metrics by name and labels, such as "name a b" for the values a and b of the chosen labels.
type counters map[string]float64

// parse sums the chosen metrics by the labels that are named for each.
func parseMetrics(text io.Reader, labels map[string][]string) (counters, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return nil, err
	}
	c := make(counters)
	for name, wanted := range labels {
		for _, m := range families[name].GetMetric() {
			key := []string{name}
			values := make(map[string]string)
			for _, l := range m.GetLabel() {
				values[l.GetName()] = l.GetValue()
			}
			for _, label := range wanted {
				key = append(key, values[label])
			}
			c[strings.Join(key, " ")] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
		}
	}
	return c, nil
}

func (c counters) since(before counters) counters {
	d := make(counters)
	for key, value := range c {
		if value != before[key] {
			d[key] = value - before[key]
		}
	}
	return d
}

// sum of all whose keys have these words in these places; an empty word fits all.
func (c counters) sum(words ...string) float64 {
	var sum float64
	for key, value := range c {
		fields := strings.Split(key, " ")
		fits := true
		for i, word := range words {
			fits = fits && (word == "" || i < len(fields) && fields[i] == word)
		}
		if fits {
			sum += value
		}
	}
	return sum
}

const requestTotal = "apiserver_request_total"

// apiRequests are the API server's own counts by verb, resource and subresource.
func (w *world) apiRequests(ctx context.Context) (counters, error) {
	client, err := rest.HTTPClientFor(w.config)
	if err != nil {
		return nil, err
	}
	return scrape(ctx, client, w.config.Host+"/metrics", map[string][]string{requestTotal: {"verb", "resource", "subresource"}})
}

func scrape(ctx context.Context, client *http.Client, url string, labels map[string][]string) (counters, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // nothing was written
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return parseMetrics(response.Body, labels)
}

// notOurs are resources that the API server itself keeps asking itself for, and what Vault asks.
var notOurs = []string{"", "leases", "flowschemas", "prioritylevelconfigurations", "endpoints", "endpointslices", "tokenreviews",
	"servicecidrs", "ipaddresses", "apiservices", "clusterroles", "clusterrolebindings", "roles", "priorityclasses"}

// calls are requests by verb: what the ways themselves asked for, and beside it the status of workloads, which is the stand-in's.
func calls(requests counters) (own, standIn map[string]float64) {
	own, standIn = make(map[string]float64), make(map[string]float64)
	for key, value := range requests {
		fields := strings.Split(key, " ")
		verb, resource, subresource := fields[1], fields[2], fields[3]
		switch {
		case verb == "WATCH" || slices.Contains(notOurs, resource):
		case subresource == "status" && slices.Contains([]string{"deployments", "statefulsets", "jobs"}, resource):
			standIn[verb] += value
		default:
			own[verb] += value
		}
	}
	return own, standIn
}
