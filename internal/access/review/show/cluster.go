package show

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// connect as the person of the kubeconfig, and give the namespace of its context.
func connect() (client.Client, string, error) {
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil)
	config, err := loaded.ClientConfig()
	if err != nil {
		return nil, "", err
	}
	namespace, _, err := loaded.Namespace()
	if err != nil {
		return nil, "", err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, "", err
		}
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	return c, namespace, err
}

// poll is how often the environment is asked whether its review is there.
const poll = 500 * time.Millisecond

// ask for a review, and wait until the operator has answered. Where it has nothing to do with the CRM it is not asked.
func ask(ctx context.Context, c client.Client, key types.NamespacedName, now time.Time, timeout time.Duration) error {
	var environment v1alpha1.CRMEnvironment
	if err := c.Get(ctx, key, &environment); err != nil {
		return err
	}
	if !looked(&environment) {
		return fmt.Errorf("CRMEnvironment %s: the operator does not look at its CRM, so it would not answer: %s; ask again when a role policy holds there", key, why(&environment))
	}
	asked := now.UTC().Format(time.RFC3339Nano)
	before := environment.DeepCopy()
	metav1.SetMetaDataAnnotation(&environment.ObjectMeta, naming.AnnotationReview, asked)
	if err := c.Patch(ctx, &environment, client.MergeFrom(before)); err != nil {
		return err
	}
	// A question that is under way when the time is over comes to its end.
	err := wait.PollUntilContextTimeout(ctx, poll, timeout, true, func(context.Context) (bool, error) {
		if err := c.Get(ctx, key, &environment); err != nil {
			return false, err
		}
		return environment.Status.Access != nil && environment.Status.Access.Reviewed == asked, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return fmt.Errorf("CRMEnvironment %s: no review within %s: %s; the operator goes on trying: look again later, without --ask", key, timeout, why(&environment))
	}
	return err
}

// looked tells whether the operator looks at the CRM of an environment, as far as it has said.
func looked(e *v1alpha1.CRMEnvironment) bool {
	c := meta.FindStatusCondition(e.Status.Conditions, v1alpha1.ConditionRolesEnforced)
	return c == nil || c.ObservedGeneration != e.Generation || c.Reason != v1alpha1.ReasonNoPolicy && c.Reason != v1alpha1.ReasonNoAdapter
}

// why the operator may not have looked at the CRM.
func why(e *v1alpha1.CRMEnvironment) string {
	condition := meta.FindStatusCondition(e.Status.Conditions, v1alpha1.ConditionRolesEnforced)
	if condition == nil {
		return "it has no condition RolesEnforced yet"
	}
	return fmt.Sprintf("RolesEnforced is %s, %s: %s", condition.Status, condition.Reason, condition.Message)
}

// newest review of an environment.
func newest(ctx context.Context, c client.Reader, key types.NamespacedName) (*evidence.ReviewStatement, error) {
	var kept corev1.ConfigMap
	name := types.NamespacedName{Namespace: key.Namespace, Name: naming.Review(key.Name)}
	err := c.Get(ctx, name, &kept)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("CRMEnvironment %s has no review yet; ask for one with --ask", key)
	}
	if err != nil {
		return nil, err
	}
	s, err := read(kept.BinaryData[evidence.CompressedField])
	if err != nil {
		return nil, fmt.Errorf("ConfigMap %s: %w", name, err)
	}
	return s, nil
}

func read(packed []byte) (*evidence.ReviewStatement, error) {
	if len(packed) == 0 {
		return nil, fmt.Errorf("it has no %s", evidence.CompressedField)
	}
	content, err := evidence.Unpack(packed)
	if err != nil {
		return nil, err
	}
	var certificate evidence.Certificate
	if err := json.Unmarshal(content, &certificate); err != nil {
		return nil, errors.New("the certificate is not JSON")
	}
	text, err := evidence.Read(content, certificate.PublicKey)
	if err != nil {
		return nil, err
	}
	var s evidence.ReviewStatement
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, fmt.Errorf("reading the statement: %w", err)
	}
	if s.Kind != evidence.KindReview {
		return nil, fmt.Errorf("it is a %s and no review", s.Kind)
	}
	return &s, nil
}
