/* SPDX-License-Identifier: MIT */
/* Every kind of patch: name, value, what its slot names, what its payload is. The one list from
 * which the enum, the verifier and the messages are made. Values are part of the format and never
 * change. */
SKEP_PATCH(SET, 1, "component", "value")     /* set the value; dropped and counted if it has none */
SKEP_PATCH(PUT, 2, "component", "value")     /* add or set */
SKEP_PATCH(REMOVE, 3, "component", "")       /* remove the component */
SKEP_PATCH(DESTROY, 4, "", "")               /* destroy the entity and its children */
SKEP_PATCH(SPAWN, 5, "prefab", "")           /* the handle, reserved before, becomes alive */
SKEP_PATCH(INIT, 6, "component", "value")    /* a first value of an entity spawned in this output */
SKEP_PATCH(EVENT, 7, "event", "value")       /* to the entity, or to all where it is null */
SKEP_PATCH(RESOURCE, 8, "resource", "value") /* replace a resource's value */
SKEP_PATCH(LOG, 9, "", "text")               /* a line for the host's log, not for the world */
