package observe

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/accepted"
)

// The bounds of what is remembered, some megabytes each. What does not fit is held twice, and nothing else happens.
const (
	maxSharedLabels = 8192
	maxSharedSpecs  = 512
	maxSharedTexts  = 4096
)

// Sharing makes the objects of a cache share what is the same in many of them: environments of a class have the same pod
// specifications, and an environment's objects the same labels and selectors. That is half of what an environment would otherwise
// hold in memory. Objects of a cache are never changed, so it does not matter that parts of them are the same memory. It is safe for
// concurrent use; one serves all caches.
type Sharing struct {
	labels *table[map[string]string]
	pods   *table[corev1.PodSpec]
	ranges *table[corev1.LimitRangeSpec]
	texts  *table[string]
}

// NewSharing makes one that knows nothing yet.
func NewSharing() *Sharing {
	return &Sharing{
		labels: newTable[map[string]string](maxSharedLabels),
		pods:   newTable[corev1.PodSpec](maxSharedSpecs),
		ranges: newTable[corev1.LimitRangeSpec](maxSharedSpecs),
		texts:  newTable[string](maxSharedTexts),
	}
}

// Slim is a cache's transform: it drops managedFields, the specification of pods and what evidence has packed, which no decision needs, and shares
// the rest.
func (s *Sharing) Slim(o any) (any, error) {
	object, ok := o.(metav1.Object)
	if !ok {
		return o, nil // A deletion that was missed comes as its last known state.
	}
	object.SetManagedFields(nil)
	object.SetLabels(s.set(object.GetLabels()))
	object.SetNamespace(s.text(object.GetNamespace()))
	switch o := o.(type) {
	case *corev1.Pod:
		o.Spec, o.Annotations = corev1.PodSpec{}, nil
	case *corev1.ConfigMap:
		for _, field := range []string{config.VaultCAFile, accepted.ClassField} {
			if text, ok := o.Data[field]; ok {
				o.Data[field] = s.text(text)
			}
		}
		if o.Labels[naming.LabelEvidence] != "" {
			o.BinaryData = nil // A review of thousands of people has half a megabyte.
		}
	case *corev1.LimitRange:
		s.limits(o)
	case *corev1.Service:
		o.Spec.Selector = s.set(o.Spec.Selector)
	case *policyv1.PodDisruptionBudget:
		s.selector(o.Spec.Selector)
	case *networkingv1.NetworkPolicy:
		s.policy(o)
	default:
		s.controller(o)
	}
	return o, nil
}

// controller is what makes pods.
func (s *Sharing) controller(o any) {
	switch o := o.(type) {
	case *appsv1.Deployment:
		s.workload(o.Spec.Selector, &o.Spec.Template)
	case *appsv1.StatefulSet:
		s.workload(o.Spec.Selector, &o.Spec.Template)
	case *batchv1.Job:
		s.workload(o.Spec.Selector, &o.Spec.Template)
	case *batchv1.CronJob:
		s.workload(o.Spec.JobTemplate.Spec.Selector, &o.Spec.JobTemplate.Spec.Template)
	}
}

func (s *Sharing) workload(selector *metav1.LabelSelector, template *corev1.PodTemplateSpec) {
	s.selector(selector)
	template.Labels = s.set(template.Labels)
	// The encoding is the same for the same specification: its maps are written in order.
	if encoded, err := template.Spec.Marshal(); err == nil {
		template.Spec = s.pods.share(string(encoded), template.Spec)
	}
}

// limits are the same for all environments of a size.
func (s *Sharing) limits(r *corev1.LimitRange) {
	if encoded, err := r.Spec.Marshal(); err == nil {
		r.Spec = s.ranges.share(string(encoded), r.Spec)
	}
}

func (s *Sharing) policy(p *networkingv1.NetworkPolicy) {
	s.selector(&p.Spec.PodSelector)
	for _, rule := range p.Spec.Ingress {
		s.peers(rule.From)
	}
	for _, rule := range p.Spec.Egress {
		s.peers(rule.To)
	}
}

func (s *Sharing) peers(peers []networkingv1.NetworkPolicyPeer) {
	for i := range peers {
		s.selector(peers[i].PodSelector)
		s.selector(peers[i].NamespaceSelector)
	}
}

func (s *Sharing) selector(selector *metav1.LabelSelector) {
	if selector != nil {
		selector.MatchLabels = s.set(selector.MatchLabels)
	}
}

func (s *Sharing) set(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return labels
	}
	var content strings.Builder
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		content.WriteString(key + "=" + labels[key] + ",") // Neither may hold these characters.
	}
	return s.labels.share(content.String(), labels)
}

func (s *Sharing) text(text string) string { return s.texts.share(text, text) }

// table holds one value of each content.
type table[T any] struct {
	limit int

	mu    sync.Mutex
	known map[fingerprint]T
}

// fingerprint is long enough that no two contents have the same.
type fingerprint [sha256.Size / 2]byte

func newTable[T any](limit int) *table[T] {
	return &table[T]{limit: limit, known: make(map[fingerprint]T)}
}

// share gives the value that came first with the content. When the table is full it forgets all: sharing begins anew, and what is
// shared already stays so.
func (t *table[T]) share(content string, value T) T {
	sum := sha256.Sum256([]byte(content))
	key := fingerprint(sum[:len(fingerprint{})])
	t.mu.Lock()
	defer t.mu.Unlock()
	if first, ok := t.known[key]; ok {
		return first
	}
	if len(t.known) >= t.limit {
		clear(t.known)
	}
	t.known[key] = value
	return value
}
