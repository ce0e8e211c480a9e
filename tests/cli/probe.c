/* SPDX-License-Identifier: MIT */
/* A scene for the tests of the command: entities that come and go, a job that fails when it is told
 * to, a data file with a rule, and mistakes on demand. Built as a module by the tests themselves.
 */
#include "skep/scene.h"

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Age, (u32, frames), (u32, life));
SKEP_RESOURCE(Rules, (u64, fail_at), (u32, log));
SKEP_PREFAB(Point);

SKEP_JOB(wander, (mut, Pos, pos))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->pos.x[i] += (skep_rand_f32(task, task->entity[i], 0) - 0.5f) * task->dt;
        c->pos.y[i] += (skep_rand_f32(task, task->entity[i], 1) - 0.5f) * task->dt;
    }
}

/* An old point is gone, and a new one appears in its place. */
SKEP_JOB(renew, (mut, Age, age), (in, Pos, pos), (spawn, Point, point), (destroy, Entity, self))
{
    for (uint32_t i = 0; i < task->n; i++) {
        if (++c->age.frames[i] < c->age.life[i]) continue;
        const skep_entity fresh = Point_new(task, c->point);
        const uint32_t life = 5 + (uint32_t)(skep_rand_f32(task, task->entity[i], 0) * 50.0f);
        Pos_init(task, fresh, SKEP_LIT(Pos, c->pos.x[i], 0.0f));
        Age_init(task, fresh, SKEP_LIT(Age, 0, life));
        skep_destroy(task, c->self, task->entity[i]);
    }
}

SKEP_JOB_WITH(faulty, SKEP_JOB_MAY_FAIL, 0, (in, Pos, pos), (res, Rules, rules))
{
    if (c->rules->log && task->tick % c->rules->log == 0 && task->block == 0)
        skep_logf(task, "wandered for %llu frames", (unsigned long long)task->tick);
    if (task->tick == c->rules->fail_at && task->block == 0)
        skep_fail(task, "it was told to \"fail\"");
}

SKEP_SCENE(probe, "Points that wander, for tests")
{
    const uint32_t n = skep_param_u32(b, "entities", 1000, "how many points");
    const float spread = skep_param_f32(b, "spread", 10.0f, "how far apart they begin");
    const uint32_t fail_at = skep_param_u32(b, "fail_at", 4000000000u, "frame that goes wrong");
    const uint32_t log = skep_param_u32(b, "log", 0, "says something every so many frames");
    const char *mistake = skep_param_str(b, "mistake", "", "adds mistakes: order, two");
    size_t bytes = 0;
    const char *data = skep_data(b, &bytes);
    if (data && (bytes < 2 || data[0] != 'o' || data[1] != 'k'))
        skep_scene_fail(b, "line 1, column 1: the data must begin with \"ok\"");
    skep_resource(b, SKEP_WITH(Rules, fail_at, log));
    skep_prefab(b, Point, SKEP_OF(Pos), SKEP_OF(Age));
    skep_add(b, "update", &wander);
    skep_add_when(b, "update", &renew)->after = mistake[0] ? "wandr" : "wander";
    skep_add(b, mistake[0] == 't' ? "updat" : "late", &faulty);
    if (skep_scene_failed(b)) return;
    Pos_mut pos;
    Age_mut age;
    skep_create_many(b, n, Pos_columns(&pos), Age_columns(&age));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = skep_init_rand(b) * spread;
        pos.y[i] = skep_init_rand(b) * spread;
        age.life[i] = 5 + skep_init_rand_u32(b, 50);
    }
}
