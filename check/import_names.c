/* SPDX-License-Identifier: MIT */
/* What is known of functions that a module takes from outside, by name. What is on none of these
 * lists is not known, and is told as such: a list of what is harmful alone would let through what
 * nobody thought of. */
#include "check/check_internal.h"

#include <string.h>

typedef struct import_row {
    const char *names; /* with a space before and behind each */
    skep__import_kind kind;
    const char *advice;
} import_row;

static const import_row import_rows[] = {
    /* Exact on every host, or without effect beyond the memory that they are given. */
    {" memcpy memmove memset memcmp memchr memrchr strlen strnlen strcmp strncmp strchr strrchr "
     "strstr strspn strcspn strpbrk strcpy strncpy strcat strncat stpcpy strcasecmp strncasecmp "
     "strtol strtoul strtoll strtoull strtod strtof atoi atol atof abs labs llabs qsort bsearch "
     "snprintf vsnprintf sscanf isalpha isdigit isspace __ctype_b_loc __ctype_tolower_loc "
     "__ctype_toupper_loc tolower toupper div ldiv ",
     SKEP__IMPORT_FINE, NULL},
    {" sqrt sqrtf sqrtl floor floorf ceil ceilf trunc truncf round roundf rint rintf nearbyint "
     "nearbyintf fabs fabsf copysign copysignf fmod fmodf ldexp ldexpf frexp frexpf modf modff "
     "scalbn scalbnf lround lroundf lrint lrintf ",
     SKEP__IMPORT_FINE, NULL},
    {" __stack_chk_fail __cxa_finalize __cxa_atexit __gmon_start__ _ITM_deregisterTMCloneTable "
     "_ITM_registerTMCloneTable __tls_get_addr __memcpy_chk __memmove_chk __memset_chk "
     "__strcpy_chk __strncpy_chk __strcat_chk __snprintf_chk __vsnprintf_chk __assert_fail abort "
     "__isoc99_sscanf __isoc23_strtol __isoc23_strtoul __isoc23_sscanf ",
     SKEP__IMPORT_FINE, NULL},
    {" skep__task_again ", SKEP__IMPORT_AGAIN,
     "what it does with that depends on what happened to a worker"},
    {" rand srand rand_r random srandom random_r drand48 erand48 lrand48 nrand48 mrand48 jrand48 "
     "srand48 getrandom getentropy arc4random arc4random_uniform arc4random_buf ",
     SKEP__IMPORT_CHANCE, "use skep_rand_f32, _f64 or _u32; in a scene's function skep_init_rand"},
    {" time clock clock_gettime gettimeofday timespec_get times ftime localtime localtime_r gmtime "
     "gmtime_r mktime getpid getppid gettid pthread_self sched_getcpu gethostname uname ",
     SKEP__IMPORT_CHANCE, "use task->time, task->tick and task->dt"},
    {" malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign valloc strdup "
     "strndup asprintf vasprintf mmap munmap mprotect brk sbrk ",
     SKEP__IMPORT_IMPURE, "use skep_scratch; in a scene's function skep_init_memory"},
    {" printf fprintf vprintf vfprintf dprintf puts fputs putchar putc fputc fwrite perror "
     "__printf_chk __fprintf_chk __vfprintf_chk syslog stdout stderr ",
     SKEP__IMPORT_IMPURE, "use skep_logf"},
    {" fopen fopen64 fdopen freopen fclose fread fgets fgetc getc getline fseek ftell rewind "
     "fflush "
     "open open64 openat creat close read write pread pwrite lseek stat fstat lstat access unlink "
     "remove rename mkdir rmdir opendir readdir closedir scanf fscanf stdin ",
     SKEP__IMPORT_IMPURE, "read files in the scene's function: skep_data"},
    {" socket connect bind listen accept send recv sendto recvfrom poll select epoll_wait "
     "getaddrinfo shutdown ",
     SKEP__IMPORT_IMPURE, "hand it in as an input of the world (skep/input.h)"},
    {" getenv secure_getenv setenv putenv system exit _exit _Exit quick_exit atexit fork vfork "
     "execve kill raise signal sigaction signal ptrace dlopen dlsym syscall setlocale strtok "
     "strerror longjmp siglongjmp setjmp _setjmp __sigsetjmp sleep usleep nanosleep ",
     SKEP__IMPORT_IMPURE, "a job is a function of its arguments"},
    {" __errno_location ", SKEP__IMPORT_IMPURE, "errno is what an earlier call left there"},
};

typedef struct libm_row {
    const char *base;
    const char *advice;
} libm_row;

/* Names without the suffix of their type. */
static const libm_row libm_rows[] = {
    {"sin", "use skep_sin_f32 or _f64"},
    {"cos", "use skep_cos_f32 or _f64"},
    {"sincos", "use skep_sincos_f32 or _f64"},
    {"tan", "use skep_tan_f32 or _f64"},
    {"asin", "use skep_asin_f32 or _f64"},
    {"acos", "use skep_acos_f32 or _f64"},
    {"atan", "use skep_atan_f32 or _f64"},
    {"atan2", "use skep_atan2_f32 or _f64"},
    {"exp", "use skep_exp_f32 or _f64"},
    {"log", "use skep_log_f32 or _f64"},
    {"pow", "use skep_pow_f32 or _f64"},
    {"fmin", "use skep_min_f32 or _f64"},
    {"fmax", "use skep_max_f32 or _f64"},
    {"fma", "write a * b + c"},
    {"exp2", "use skep_pow_f32(2, x)"},
    {"exp10", "use skep_pow_f32(10, x)"},
    {"log2", "use skep_log_f32(x) / log(2)"},
    {"log10", "use skep_log_f32(x) / log(10)"},
    {"hypot", "use skep_sqrt_f32(x * x + y * y)"},
    {"cbrt", "use skep_pow_f32(x, 1 / 3)"},
    {"expm1", "skep/math.h has exp"},
    {"log1p", "skep/math.h has log"},
    {"sinh", "make it of skep_exp_f32"},
    {"cosh", "make it of skep_exp_f32"},
    {"tanh", "make it of skep_exp_f32"},
    {"asinh", "make it of skep_log_f32"},
    {"acosh", "make it of skep_log_f32"},
    {"atanh", "make it of skep_log_f32"},
    {"erf", "skep/math.h has none"},
    {"erfc", "skep/math.h has none"},
    {"tgamma", "skep/math.h has none"},
    {"lgamma", "skep/math.h has none"},
    {"remainder", "use floor"},
    {"fdim", "use skep_max_f32"},
};

/* Finds `length` bytes of a name among names with a space before and behind each. */
static bool listed(const char *names, const char *name, size_t length)
{
    const char *at = names;
    if (!length || memchr(name, ' ', length)) return false;
    for (;;) {
        at = strchr(at, ' ');
        if (!at || !at[1]) return false;
        at++;
        if (strncmp(at, name, length) == 0 && at[length] == ' ') return true;
    }
}

/* sinf, __sinf_finite and _ZGVdN8v_sinf are all sin. */
static const char *libm_advice(const char *name)
{
    size_t length = strlen(name);
    if (strncmp(name, "_ZGV", 4) == 0) {
        const char *behind = strchr(name + 4, '_');
        if (!behind) return NULL;
        name = behind + 1;
        length = strlen(name);
    } else if (length > 9 && strncmp(name, "__", 2) == 0 &&
               strcmp(name + length - 7, "_finite") == 0) {
        name += 2;
        length -= 9;
    }
    for (size_t i = 0; i < sizeof libm_rows / sizeof libm_rows[0]; i++) {
        const size_t n = strlen(libm_rows[i].base);
        if (length < n || memcmp(name, libm_rows[i].base, n) != 0) continue;
        if (length == n || (length == n + 1 && (name[n] == 'f' || name[n] == 'l')))
            return libm_rows[i].advice;
    }
    return NULL;
}

skep__import_kind skep__import_look(const char *name, const char **advice)
{
    *advice = NULL;
    for (size_t i = 0; i < sizeof import_rows / sizeof import_rows[0]; i++) {
        if (!listed(import_rows[i].names, name, strlen(name))) continue;
        *advice = import_rows[i].advice;
        return import_rows[i].kind;
    }
    *advice = libm_advice(name);
    if (*advice) return SKEP__IMPORT_LIBM;
    if (strncmp(name, "skep_", 5) == 0) return SKEP__IMPORT_FINE;
    if (strncmp(name, "pthread_", 8) == 0 || strncmp(name, "sem_", 4) == 0 ||
        strncmp(name, "mtx_", 4) == 0 || strncmp(name, "thrd_", 5) == 0) {
        *advice = "jobs share nothing, so there is nothing to lock";
        return SKEP__IMPORT_IMPURE;
    }
    *advice = "skep does not know it; is it pure?";
    return SKEP__IMPORT_UNKNOWN;
}
