/* SPDX-License-Identifier: MIT */
/* The variants of the hash's inner loop and the choice among them.
 *
 * A variant is chosen at compile time where the flags promise its instructions, else, on x86-64
 * with gcc or clang, at run time: each function carries its own target attribute, so one generic
 * build holds them all, without ifuncs. The scalar twin says what all of them must compute, and is
 * what compilers vectorise for the instruction sets that are not named here.
 *
 * A 256-byte stripe is 4 registers of AVX-512 and 8 of AVX2. With 128-bit registers it would be 16,
 * all that there are, so those variants go over their stripes twice, half a stripe wide. */
#include "core/simd/stripes.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define SKEP__STRIPES_X86 1
#include <immintrin.h>
#else
#define SKEP__STRIPES_X86 0
#endif

#if defined(__wasm_simd128__)
#define SKEP__STRIPES_WASM 1
#include <wasm_simd128.h>
#else
#define SKEP__STRIPES_WASM 0
#endif

/* SplitMix64 from the seed 0x736B6570, the letters of "skep"; a test derives them again. No two
 * share a low or a high half, which the arguments about swapped and flipped data need. */
_Alignas(64) const uint64_t skep__stripe_keys[SKEP__STRIPE_KEYS] = {
    0x906A5420ACD21550u, 0x9779B730E367B269u, 0x43968BB883D5CEF1u, 0x585BBCFDAC02738Cu,
    0xB2818E7A29FE0C90u, 0xA7EDAC5E40F7C4F2u, 0x283ADAED8E79C415u, 0x2F87E580BE35D64Au,
    0xB8699BA2989579B5u, 0x5DE2C36905E16070u, 0x6A5F3E789BDB548Cu, 0x7CD625E1138772C7u,
    0x8437D701EA66EFB5u, 0xA4C7AD2CF45A8469u, 0x3D78D25F98D2EC8Fu, 0x592B009383D2CAE4u,
    0x2DA58DCD00509332u, 0x5A3171878F47B83Cu, 0x2B42B396F57BC27Fu, 0xD53AF81C8ABAA8D6u,
    0x554728E740214866u, 0xACD810D2D99D11E8u, 0xAD3EE5E33A62A128u, 0x7CFF54C26E21C1CEu,
    0x14B238B4426DC7EDu, 0x7B74E82DFD4CAF10u, 0x0E694362A63A9119u, 0xEBFFE540379AFD39u,
    0xC1E4CA32F532559Fu, 0x2CC48E4F056E70D9u, 0x0D4D7CE6A3CC3A3Eu, 0x50E601EA6154A22Eu,
    0xC713FD49260D6FDDu, 0x33B8672DF2D181BCu, 0xE40AD0B95B700894u, 0x0F0B32E805F8E05Cu,
    0xCABDE6139743D980u, 0xABFB8334185A4DF3u, 0xA1B2912D278D94C5u, 0xE7D1ECBC13DFAFB9u,
    0x3567594E3FD0C537u, 0x54FC9C26C8E880A3u, 0xDD59AF6E57080954u, 0xB89F7FB8F404D5E3u,
    0x479F02C61332B3AEu, 0x1D72CCF0D31EE56Eu, 0x6CE8683EEDAF2ECFu, 0x4B2B3FE48E4FC201u,
    0x9B1CB4EFB58A1D8Cu, 0x857EA7D8BB36E554u, 0x9B008281E9BB76C6u, 0x2A3747F99398C9F5u,
    0x8683233D3218CDB7u, 0x0647241A94A9C8C7u, 0x98D1350EAC39F495u, 0xB2068FCDC2CD0595u,
    0xEEAED1D9716B2810u, 0xDFBEEAEF9AAA0E3Du, 0x654597FF4C856F9Eu, 0xD11B0C840BF74C3Fu,
    0x2743A1CAC1CA5CCEu, 0xFD38F7A8BC6C134Eu, 0x30C5720D7E2951BDu, 0x1A9B53AE0B1CD784u,
    0x81093A40B4CD0518u, 0x4A97AB88FAE5D284u, 0xF2C60D4FB0BDEFA4u, 0x2538CC5ABA972C56u,
    0xF554154BC7321D40u, 0x5B94BD968B12D85Fu, 0xC0F4CDF96E097A36u, 0x92C746F0A6199D20u,
    0x6C040AADC730C7A6u, 0x2ADCCDB883827F58u, 0x12687E1C5C003AC4u, 0x896C8FB0D8B362F8u,
    0xBEE2A89D1E6195CCu, 0x1F98FDF3AAC6A999u, 0xEA1FC901D0AC7F0Fu, 0x201C384AA642D751u,
    0xE8EABB68208F0900u, 0x5CCA5A6DABB13CD9u, 0xE27393FAA423E806u, 0xE54B8B5794F23BFBu,
    0xC17351C840EECA39u, 0x78EE16F941F32DF0u, 0x519E4D7E0E23841Fu, 0xB53C7E3A0EF9697Bu,
    0x0651E8305CC0B5E2u, 0x72A60EE9FD05F734u, 0xE7ED61E896DBD1CFu, 0xD0A87AB3E74E3DDFu,
    0x0BF3745CA17EC4ABu, 0xAC57402BB90D491Du, 0x2DA83C68E44C942Fu, 0x7787499DD73BDA9Fu,
    0x28F1D80E568DB3B3u, 0x0BD23F8F208F9B0Fu, 0x887F67CF4F808D6Du, 0x9331935557AD253Bu,
    0xF2A1FF4A5FC48D12u, 0x04C85B543239F880u, 0x5A173D713635CBD1u, 0x8BB219FA90996632u,
    0x996E2902F121AFBEu, 0x752D955F5AF866F0u, 0x18D29D9E156FC4C5u, 0x17F11AB795F0501Du,
    0x883D416EF62EB851u, 0x0D3008D6930024F3u, 0x4AB97459DEC407E3u, 0x6A58D244B66AC206u,
    0x162EAA16ED26F4B1u, 0x6B0DCACF1E66E3FFu, 0x38916EC4F35762E7u, 0x75CC57601DDE15E6u,
    0x16892D41E48533EDu, 0x61FEE29AD61C852Bu, 0x6CC9A997EC4BEDEEu, 0xC5EEFA6144BEAB9Au,
    0x8D24D56D5F99A21Cu, 0x44A638442995CAC7u, 0xCE42238D531DB410u, 0x4D5BF2283B71F779u,
    0xCA6E323D04B0418Du, 0xF52AD7DD96FB27CDu, 0x34396697FD6690B9u, 0xEA4833C4E2C66EEDu,
    0xC8AE187E4AB381E2u, 0x4BA589859D0513A7u, 0xC315A9AB18044A5Eu, 0xDC6B854595D2DBADu,
    0xD1C948FC0F0AA496u, 0xCD1FB88D78E874D5u, 0xBCA01A2EFC858977u, 0x07C3789B1450FD9Bu,
    0x7F4D0F27372B5926u, 0x5C9763E746813680u, 0xABDC3CB0EABA3572u, 0x365171D9674FC164u,
    0xF2EC0F9587EC234Cu, 0xE7464A2FBB7C7396u, 0xA8C961FBBE983E76u, 0x75C64F07E0DA571Fu,
    0xA73AFCD0A4BEBADDu, 0x375959C1FB6301B8u, 0xDF84842FC581565Eu, 0x2B565A9DC2B6E6F9u,
    0x8B73A922638E43DFu, 0xBE58D822CB2CDB9Fu, 0xB041285BAE8531BEu, 0x4A511568AB63CE12u,
};

/* Little-endian whatever the machine; compilers make one load of it. */
static uint64_t load_lane(const uint8_t *bytes)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t lane;
    memcpy(&lane, bytes, sizeof lane);
    return lane;
#else
    uint64_t lane = 0;
    for (uint32_t i = 0; i < 8; i++) lane |= (uint64_t)bytes[i] << (8u * i);
    return lane;
#endif
}

static void stripes_scalar(uint64_t *acc, const uint8_t *bytes, uint32_t count,
                           const uint64_t *keys)
{
    for (uint32_t s = 0; s < count; s++) {
        for (uint32_t j = 0; j < SKEP__STRIPE_LANES; j++) {
            const uint64_t lane = load_lane(bytes + (size_t)8 * j);
            const uint64_t x = lane ^ keys[j];
            acc[j] += (x & 0xFFFFFFFFu) * (x >> 32);
            acc[j ^ 1u] += lane;
        }
        bytes += SKEP__STRIPE_BYTES;
        keys += 8;
    }
}

#if SKEP__STRIPES_X86

/* Half a stripe wide: eight accumulators and room for what they meet. */
static void stripes_sse2(uint64_t *acc, const uint8_t *bytes, uint32_t count, const uint64_t *keys)
{
    for (size_t half = 0; half < 2; half++) {
        __m128i sum[8];
        for (uint32_t v = 0; v < 8; v++) {
            sum[v] = _mm_load_si128((const __m128i *)(const void *)acc + 8 * half + v);
        }
        for (uint32_t s = 0; s < count; s++) {
            const void *from = bytes + (size_t)SKEP__STRIPE_BYTES * s;
            const void *key = keys + (size_t)8 * s;
            for (uint32_t v = 0; v < 8; v++) {
                const __m128i lane = _mm_loadu_si128((const __m128i *)from + 8 * half + v);
                const __m128i k = _mm_load_si128((const __m128i *)key + 8 * half + v);
                const __m128i x = _mm_xor_si128(lane, k);
                const __m128i product = _mm_mul_epu32(x, _mm_srli_epi64(x, 32));
                const __m128i swapped = _mm_shuffle_epi32(lane, 0x4E);
                sum[v] = _mm_add_epi64(sum[v], _mm_add_epi64(product, swapped));
            }
        }
        for (uint32_t v = 0; v < 8; v++) {
            _mm_store_si128((__m128i *)(void *)acc + 8 * half + v, sum[v]);
        }
    }
}

__attribute__((target("avx2"))) static void stripes_avx2(uint64_t *acc, const uint8_t *bytes,
                                                         uint32_t count, const uint64_t *keys)
{
    __m256i sum[8];
    for (uint32_t v = 0; v < 8; v++) {
        sum[v] = _mm256_load_si256((const __m256i *)(const void *)acc + v);
    }
    for (uint32_t s = 0; s < count; s++) {
        const void *from = bytes + (size_t)SKEP__STRIPE_BYTES * s;
        const void *key = keys + (size_t)8 * s;
        for (uint32_t v = 0; v < 8; v++) {
            const __m256i lane = _mm256_loadu_si256((const __m256i *)from + v);
            const __m256i k = _mm256_load_si256((const __m256i *)key + v);
            const __m256i x = _mm256_xor_si256(lane, k);
            const __m256i product = _mm256_mul_epu32(x, _mm256_srli_epi64(x, 32));
            const __m256i swapped = _mm256_shuffle_epi32(lane, 0x4E);
            sum[v] = _mm256_add_epi64(sum[v], _mm256_add_epi64(product, swapped));
        }
    }
    for (uint32_t v = 0; v < 8; v++) _mm256_store_si256((__m256i *)(void *)acc + v, sum[v]);
}

__attribute__((target("avx512f"))) static void stripes_avx512(uint64_t *acc, const uint8_t *bytes,
                                                              uint32_t count, const uint64_t *keys)
{
    __m512i sum[4];
    for (uint32_t v = 0; v < 4; v++) sum[v] = _mm512_load_si512((const __m512i *)(void *)acc + v);
    for (uint32_t s = 0; s < count; s++) {
        const void *from = bytes + (size_t)SKEP__STRIPE_BYTES * s;
        const void *key = keys + (size_t)8 * s;
        for (uint32_t v = 0; v < 4; v++) {
            const __m512i lane = _mm512_loadu_si512((const __m512i *)from + v);
            const __m512i k = _mm512_load_si512((const __m512i *)key + v);
            const __m512i x = _mm512_xor_si512(lane, k);
            const __m512i product = _mm512_mul_epu32(x, _mm512_srli_epi64(x, 32));
            const __m512i swapped = _mm512_shuffle_epi32(lane, (_MM_PERM_ENUM)0x4E);
            sum[v] = _mm512_add_epi64(sum[v], _mm512_add_epi64(product, swapped));
        }
    }
    for (uint32_t v = 0; v < 4; v++) _mm512_store_si512((__m512i *)(void *)acc + v, sum[v]);
}

#if defined(__AVX512F__)
#define SKEP__HAS_AVX512() true
#else
#define SKEP__HAS_AVX512() (__builtin_cpu_supports("avx512f") != 0)
#endif
#if defined(__AVX2__)
#define SKEP__HAS_AVX2() true
#else
#define SKEP__HAS_AVX2() (__builtin_cpu_supports("avx2") != 0)
#endif

#endif

#if SKEP__STRIPES_WASM

/* wasm multiplies the low or the high pair of two vectors of u32 to u64, so two vectors' halves are
 * gathered first and share one gathering. */
static void stripes_wasm(uint64_t *acc, const uint8_t *bytes, uint32_t count, const uint64_t *keys)
{
    for (size_t half = 0; half < 2; half++) {
        v128_t sum[8];
        for (size_t v = 0; v < 8; v++) sum[v] = wasm_v128_load(acc + 16 * half + 2 * v);
        for (uint32_t s = 0; s < count; s++) {
            const uint8_t *from = bytes + (size_t)SKEP__STRIPE_BYTES * s + 128 * half;
            const uint64_t *key = keys + (size_t)8 * s + 16 * half;
            for (size_t v = 0; v < 8; v += 2) {
                const v128_t lane0 = wasm_v128_load(from + 16 * v);
                const v128_t lane1 = wasm_v128_load(from + 16 * v + 16);
                const v128_t x0 = wasm_v128_xor(lane0, wasm_v128_load(key + 2 * v));
                const v128_t x1 = wasm_v128_xor(lane1, wasm_v128_load(key + 2 * v + 2));
                const v128_t low = wasm_i32x4_shuffle(x0, x1, 0, 2, 4, 6);
                const v128_t high = wasm_i32x4_shuffle(x0, x1, 1, 3, 5, 7);
                sum[v] = wasm_i64x2_add(sum[v], wasm_i64x2_shuffle(lane0, lane0, 1, 0));
                sum[v + 1] = wasm_i64x2_add(sum[v + 1], wasm_i64x2_shuffle(lane1, lane1, 1, 0));
                sum[v] = wasm_i64x2_add(sum[v], wasm_u64x2_extmul_low_u32x4(low, high));
                sum[v + 1] = wasm_i64x2_add(sum[v + 1], wasm_u64x2_extmul_high_u32x4(low, high));
            }
        }
        for (size_t v = 0; v < 8; v++) wasm_v128_store(acc + 16 * half + 2 * v, sum[v]);
    }
}

#endif

skep__stripes_fn *skep__stripes_best(void)
{
#if SKEP__STRIPES_X86
    if (SKEP__HAS_AVX512()) return stripes_avx512;
    if (SKEP__HAS_AVX2()) return stripes_avx2;
    return stripes_sse2;
#elif SKEP__STRIPES_WASM
    return stripes_wasm;
#else
    return stripes_scalar;
#endif
}

skep__stripes_fn *skep__stripes_variant(uint32_t index, const char **name, bool *usable)
{
    static const struct {
        skep__stripes_fn *fn;
        const char *name;
    } variant[] = {
        {stripes_scalar, "scalar"},
#if SKEP__STRIPES_X86
        {stripes_sse2, "sse2"},
        {stripes_avx2, "avx2"},
        {stripes_avx512, "avx512"},
#endif
#if SKEP__STRIPES_WASM
        {stripes_wasm, "wasm"},
#endif
    };
    if (index >= sizeof variant / sizeof *variant) return NULL;
    *name = variant[index].name;
    *usable = true;
#if SKEP__STRIPES_X86
    if (variant[index].fn == stripes_avx2) *usable = SKEP__HAS_AVX2();
    if (variant[index].fn == stripes_avx512) *usable = SKEP__HAS_AVX512();
#endif
    return variant[index].fn;
}
