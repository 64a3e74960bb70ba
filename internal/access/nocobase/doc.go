// Package nocobase brings a NocoBase 2.2 to a plan, through its REST API.
//
// How NocoBase decides: an account has roles, and each request is judged by one of them, which the request names. A role has a strategy, which
// holds for every collection, and may have a resource for a collection, which takes the strategy's place: a list of actions, each with the fields it
// is about and a scope, which is a filter that is AND-ed with the request's own. What neither allows is denied. Snippets of a role open
// the screens and the API of NocoBase's own settings.
//
// Each role of a plan is a role of NocoBase with an empty strategy, no snippet, and a resource for each model that it may use. Nobody of the plan
// holds another role. NocoBase can also join the roles of an account for a request; it would then show the fields that one role opens on the
// records that another one opens. That is turned off, so what a person may do is exactly the union of what the roles allow.
//
// NocoBase does not look at the rights to records that a request has appended to others, so no list of fields has a relation in it, but for foreign
// keys. An empty list of relations counts as "all of them". So each model of the plan gets a relation to a collection that is
// always empty, and this one relation is what every role may append.
//
// Accounts cannot be closed. One without a role gets 401 for everything, with whatever token, and its password is overwritten when it
// leaves, which ends its sessions for good. Which accounts are, or were, a plan's is kept in two scopes that no role uses.
package nocobase
