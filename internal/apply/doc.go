// Package apply is the only writer of Kubernetes objects.
//
// It writes with server-side apply, under one field owner, only the fields that were declared, and only when one of them does
// not hold in the live object. A pass that finds everything as declared costs reads of the cache and nothing else.
//
// What it never does:
//
//   - It never adopts. An object that exists under a declared name and was not applied by crmkeep for the same tenant and
//     environment is reported as a clash and left alone. See [Owner].
//   - It never runs a pod before what confines it: namespaces are written first, then quotas, policies, roles and
//     configuration, and workloads only when all of that holds.
//   - It never deletes data on its own: [Applier.Prune] refuses claims, volumes and namespaces, and [Applier.Delete] takes one
//     object that the caller names. Both delete the exact object that was looked at, or nothing.
//
// Reads come from the manager's cache and may lag behind. That costs at most a request that changes nothing: an update names the
// UID that was seen, so it cannot hit an object that took the name meanwhile, and a creation carries a version that no object can
// have, so that the API server refuses it when the object exists. Only then is the API server asked whose it is.
package apply
