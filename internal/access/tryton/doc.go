// Package tryton brings a Tryton 6.0 to a plan, through its JSON-RPC.
//
// How Tryton decides, in the order in which it asks:
//
//   - ir.model.access: rows for a model and a group, or for everybody. The rows of all groups of an account are OR-ed with those for everybody, and
//     a model without any row is open. So each model of the plan has one row for everybody that allows nothing, and each role's group has a row of its own.
//   - ir.model.field.access: the same for fields. A field has rows only where some role has less than full access to it.
//   - ir.rule.group: record rules. Groups of rules for everybody that are "global" are AND-ed; all others are OR-ed. A model without any that
//     applies is open. So a model with a scope below All has one "default" rule that matches no record, and each role has rules for what it may.
//
// Accounts of people hold the groups of their roles and no other one: groups of Tryton's own would add to their rights. crmkeep's groups and
// rules are known by the prefix of their names; a group without rights marks every account that was ever a plan's, so that one that leaves is
// known even if somebody took it out of its roles.
//
// Tryton leaves some ways around these tables, which are closed for as long as there is a plan: roles that people can take on by themselves, wizards
// that anybody may run on anything (one of them makes accounts), passwords of those who forgot theirs, searches for the hash of a password, and sessions that go
// on when their account is closed.
package tryton
