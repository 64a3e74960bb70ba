package controllers

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/plan/object"
)

// +kubebuilder:rbac:groups="",resources=namespaces;resourcequotas;limitranges;serviceaccounts;configmaps;services;persistentvolumeclaims,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=batch,resources=jobs;cronjobs,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies;ingresses,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=get;list;watch;create;patch

// apply writes those planned objects that the caches do not show to be as planned.
func (r *Environments) apply(ctx context.Context, planned []object.Object) error {
	_, err := r.Applier.Apply(ctx, toApply(planned))
	return err
}

func toApply(planned []object.Object) []apply.Object {
	objects := make([]apply.Object, len(planned))
	for i, o := range planned {
		objects[i] = apply.Object(o)
	}
	return objects
}

// references of planned objects, for what pruning must keep.
func references(planned []object.Object) (sets.Set[apply.Ref], error) {
	keep := sets.New[apply.Ref]()
	for _, o := range planned {
		ref, err := apply.RefOf(apply.Object(o))
		if err != nil {
			return nil, fmt.Errorf("planned object: %w", err)
		}
		keep.Insert(ref)
	}
	return keep, nil
}

// httpRoutes is a kind that not every cluster has.
var httpRoutes = schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}

// anHTTPRoute stands for the kind, which has no Go type here.
func anHTTPRoute() client.Object {
	route := &unstructured.Unstructured{}
	route.SetGroupVersionKind(httpRoutes)
	return route
}

// prunable are the kinds of an environment that can go without harm to data, what serves people first.
func (r *Environments) prunable() []schema.GroupVersionKind {
	kinds := []schema.GroupVersionKind{
		networkingv1.SchemeGroupVersion.WithKind("Ingress"),
		appsv1.SchemeGroupVersion.WithKind("Deployment"),
		batchv1.SchemeGroupVersion.WithKind("CronJob"),
		batchv1.SchemeGroupVersion.WithKind("Job"),
		appsv1.SchemeGroupVersion.WithKind("StatefulSet"),
		policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"),
		corev1.SchemeGroupVersion.WithKind("Service"),
		corev1.SchemeGroupVersion.WithKind("ConfigMap"),
		corev1.SchemeGroupVersion.WithKind("ServiceAccount"),
		networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"),
	}
	if r.Observer.KnowsHTTPRoutes() {
		kinds = append([]schema.GroupVersionKind{httpRoutes}, kinds...)
	}
	return kinds
}
