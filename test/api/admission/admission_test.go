package admission

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// activation is how long the API server may take to see new policies and roles.
const activation = 10 * time.Second

// A verdict is what becomes of a request.
type verdict struct {
	name string
	user string
	// request is made as the user, as a dry run.
	request func(ctx context.Context, c client.Client) error
	// refusal is a fragment of the message; empty when the request is let through.
	refusal string
}

// check asks for the refusals first and waits for them: once they come, the policies are active, and what is let through is let
// through by them.
func check(t *testing.T, verdicts []verdict) {
	t.Helper()
	prepare(t)
	for _, v := range verdicts {
		if v.refusal != "" {
			t.Run(v.name, func(t *testing.T) { requireRefused(t, v) })
		}
	}
	for _, v := range verdicts {
		if v.refusal == "" {
			t.Run(v.name, func(t *testing.T) {
				require.NoError(t, v.request(t.Context(), client.NewDryRunClient(clientOf(t, v.user))))
			})
		}
	}
}

func requireRefused(t *testing.T, v verdict) {
	t.Helper()
	c := client.NewDryRunClient(clientOf(t, v.user))
	require.EventuallyWithT(t, func(attempt *assert.CollectT) {
		err := v.request(t.Context(), c)
		require.True(attempt, apierrors.IsForbidden(err) || apierrors.IsInvalid(err), "want a refusal, got: %v", err)
		require.ErrorContains(attempt, err, v.refusal)
	}, activation, 50*time.Millisecond)
}

// edit reads an object and updates it.
func edit[T client.Object](object T, change func(T)) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change(object)
		return c.Update(ctx, object)
	}
}

// patch reads an object and sends what changes.
func patch[T client.Object](object T, change func(T)) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		before := object.DeepCopyObject().(client.Object)
		change(object)
		return c.Patch(ctx, object, client.MergeFrom(before))
	}
}

// raw changes a label without reading the object.
func raw(group, version, kind, namespace, name string) func(context.Context, client.Client) error {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
	object.SetNamespace(namespace)
	object.SetName(name)
	return func(ctx context.Context, c client.Client) error {
		return c.Patch(ctx, object.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"changed":"yes"}}}`)))
	}
}

func creation(object client.Object) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error {
		return c.Create(ctx, object.DeepCopyObject().(client.Object))
	}
}

func deletion(object client.Object) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error { return c.Delete(ctx, object) }
}
