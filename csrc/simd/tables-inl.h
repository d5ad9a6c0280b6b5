// Tables of 32 floats for back ends that look them up in registers (kHasTables, simd/vec.h), and their polynomials.
//
// Why: on a Zen 5 core a vector of 16 has two pipes for products, two for sums, minima, shifts and vscalefps (two of
// its slots); a lookup takes an inner one of them, a division two products. What an activation needs is bound by the
// products: of exp's ten, the table of 2^(j/32) leaves seven; tanh by exp has fourteen, as polynomials by pieces seven;
// softplus by exp and a polynomial of log1p twenty-one, by pieces nine. ns an element of 16 K floats, before and
// after: tanh 0.17, 0.13; softplus 0.25, 0.17; gelu 0.30, 0.25; gelu backward 0.33, 0.27; elu 0.13, 0.11; mish 0.17,
// 0.135; sigmoid 0.156, 0.125 (of which 0.134 by simd/wide-inl.h alone); silu 0.164, 0.14.
// Tried and lost: tanh with terms up to d^6 (0.15); softplus as exp by the table and log1p by 17 pieces (0.27), or with
// a product by the power of two for vscalefps (0.173); the next vectors' first half before the last half of these (silu
// 0.19, gelu 0.245, the others as without). Softplus is bound by its seven lookups: with five it takes 0.15.
//
// The coefficients were fitted one after the other, each rounded before the rest were fitted again: least squares at 64
// Chebyshev nodes with Lawson's weights, against 40-digit values (mpmath), relative to the function's value. What is
// left is the rounding of the first coefficient, at most 2^-24.
#ifndef NNF_SIMD_TABLES_INL_H
#define NNF_SIMD_TABLES_INL_H

#include "base/types.h"

namespace nnf {
namespace {

constexpr float kTableOne = 0x1.8p18f;  // has steps of 1/32
constexpr float kPlaceOne = 0x1.8p23f;  // has steps of 1
constexpr float kLn2 = 0x1.62e43p-1f, kLn2Low = -0x1.05c61p-29f;
constexpr float kTanhStep = 37.0f / 128;

// 2^(j/32), and what their rounding lost, relative to them: this is added to the reduced argument.
constexpr float kExp2[2][32] = {
    {0x1p+0f, 0x1.059b0ep+0f, 0x1.0b5586p+0f, 0x1.11301ep+0f, 0x1.172b84p+0f, 0x1.1d4874p+0f, 0x1.2387a6p+0f,
     0x1.29e9ep+0f, 0x1.306fep+0f, 0x1.371a74p+0f, 0x1.3dea64p+0f, 0x1.44e086p+0f, 0x1.4bfdaep+0f, 0x1.5342b6p+0f,
     0x1.5ab07ep+0f, 0x1.6247ecp+0f, 0x1.6a09e6p+0f, 0x1.71f75ep+0f, 0x1.7a1148p+0f, 0x1.82589ap+0f, 0x1.8ace54p+0f,
     0x1.93737cp+0f, 0x1.9c4918p+0f, 0x1.a5503cp+0f, 0x1.ae89fap+0f, 0x1.b7f77p+0f, 0x1.c199bep+0f, 0x1.cb720ep+0f,
     0x1.d5818ep+0f, 0x1.dfc974p+0f, 0x1.ea4afap+0f, 0x1.f50766p+0f},
    {0x0p+0f, -0x1.947414p-25f, 0x1.8d96d4p-25f, -0x1.dda2fcp-25f, -0x1.9c0c22p-27f, -0x1.a2fbb2p-25f,
     0x1.964904p-25f, -0x1.2b0dbcp-25f, 0x1.125002p-25f, -0x1.cde8cep-26f, 0x1.370be4p-25f, 0x1.336de2p-30f,
     -0x1.0a355p-25f, -0x1.c541b4p-26f, -0x1.00d8acp-27f, -0x1.6cb284p-25f, 0x1.26055cp-26f, 0x1.8b2bb8p-26f,
     -0x1.05cb44p-25f, -0x1.1c2142p-26f, 0x1.67a1cap-28f, -0x1.348e56p-25f, 0x1.a3b5e4p-28f, -0x1.0b7ec8p-25f,
     -0x1.f9c304p-27f, -0x1.e4c886p-26f, -0x1.6961b4p-28f, -0x1.b5151ep-28f, -0x1.a5217cp-28f, -0x1.ab7132p-26f,
     0x1.61428ep-28f, -0x1.2ad5f8p-27f},
};
// 2^(j/32) for add_exponent: the bits less j << 18, which come back with the exponent.
struct PlacedPowers {
  float v[32];
  constexpr PlacedPowers() : v{} {
    for (u32 j = 0; j < 32; ++j) {
      v[j] = __builtin_bit_cast(float, __builtin_bit_cast(u32, kExp2[0][j]) - (j << 18));
    }
  }
};
constexpr PlacedPowers kPlacedPowers;
// (e^r - 1 - r) / r^2, |r| <= log(2) / 64; error 2^-33.2 of e^r
constexpr float kExpPoly[2] = {0x1.000088p-1f, 0x1.55557cp-3f};
// tanh at j kTanhStep + d, |d| <= kTanhStep / 2; ten of the higher coefficients were moved by what it took to make the
// results rise from float to float.
constexpr float kTanh[6][32] = {
    {0x0p+0f, 0x1.2005bp-2f, 0x1.0ae8p-1f, 0x1.665ed8p-1f, 0x1.a3beaap-1f, 0x1.ca1e42p-1f, 0x1.e10f6ep-1f,
     0x1.ee693ap-1f, 0x1.f60efcp-1f, 0x1.fa6644p-1f, 0x1.fcd9dp-1f, 0x1.fe3b28p-1f, 0x1.ff01cap-1f, 0x1.ff7156p-1f,
     0x1.ffaff4p-1f, 0x1.ffd318p-1f, 0x1.ffe6cep-1f, 0x1.fff1dep-1f, 0x1.fff812p-1f, 0x1.fffb8ep-1f, 0x1.fffd82p-1f,
     0x1.fffe9ap-1f, 0x1.ffff38p-1f, 0x1.ffff9p-1f, 0x1.ffffcp-1f, 0x1.ffffdcp-1f, 0x1.ffffecp-1f, 0x1.fffff4p-1f,
     0x1.fffffap-1f, 0x1.fffffcp-1f, 0x1.fffffep-1f, 0x1.fffffep-1f},
    {0x1p+0f, 0x1.d77e72p-1f, 0x1.74dc84p-1f, 0x1.05294cp-1f, 0x1.4fc654p-2f, 0x1.985f72p-3f, 0x1.e01418p-4f,
     0x1.1496dap-4f, 0x1.3b09fp-5f, 0x1.647958p-6f, 0x1.91dafp-7f, 0x1.c40f86p-8f, 0x1.fbefbp-9f, 0x1.1d2b5p-9f,
     0x1.401574p-10f, 0x1.6732a2p-11f, 0x1.930b44p-12f, 0x1.c4366ap-13f, 0x1.fb5c4ap-14f, 0x1.1c9c6cp-14f,
     0x1.3f4f34p-15f, 0x1.663c54p-16f, 0x1.91e7e8p-17f, 0x1.c2e612p-18f, 0x1.f9dcfcp-19f, 0x1.1bc388p-19f,
     0x1.3e5ab2p-20f, 0x1.652944p-21f, 0x1.90b2dap-22f, 0x1.c18b0cp-23f, 0x1.f8577cp-24f, 0x1.1ae8fap-24f},
    {0x1.587d26p-21f, -0x1.093828p-2f, -0x1.84b9ap-2f, -0x1.6d990cp-2f, -0x1.13481ep-2f, -0x1.6d6768p-3f,
     -0x1.c3197cp-4f, -0x1.0b0f96p-4f, -0x1.34ff36p-5f, -0x1.60b8a4p-6f, -0x1.8f98p-7f, -0x1.c2562ap-8f,
     -0x1.fc6744p-9f, -0x1.1c2a8ep-9f, -0x1.3ec2acp-10f, -0x1.68d636p-11f, -0x1.8a65cap-12f, -0x1.c1af5ep-13f,
     -0x1.e3cfc8p-14f, -0x1.328b08p-14f, -0x1.7a7b04p-15f, -0x1.933aaep-16f, -0x1.7d92b2p-16f, -0x1.f40fc2p-17f,
     0x1.6030f2p-18f, 0x1.0353f6p-18f, -0x1.a8117cp-26f, 0x1.33643ap-17f, -0x1.bd7b1p-19f, 0x1.7b9a82p-18f,
     0x1.d92a52p-23f, 0x0p+0f},
    {-0x1.555fd2p-2f, -0x1.df96d8p-3f, -0x1.6f3dd4p-5f, 0x1.4725fap-4f, 0x1.c6fa0ap-4f, 0x1.7da344p-4f, 0x1.07c8ap-4f,
     0x1.4b703p-5f, 0x1.8bd1bcp-6f, 0x1.cbc888p-7f, 0x1.06f892p-7f, 0x1.2a41a4p-8f, 0x1.50a652p-9f, 0x1.7afd62p-10f,
     0x1.a9febp-11f, 0x1.de6eb2p-12f, 0x1.0c8acep-12f, 0x1.2d607ep-13f, 0x1.522ebcp-14f, 0x1.7b7034p-15f,
     0x1.a9b722p-16f, 0x1.dda0c2p-17f, 0x1.0bece8p-17f, 0x1.2c9724p-18f, 0x1.513e7ep-19f, 0x1.7a59d8p-20f,
     0x1.a877ep-21f, 0x1.dc3918p-22f, 0x1.0b20f4p-22f, 0x1.2bb22ap-23f, 0x1.5039ep-24f, 0x1.793838p-25f},
    {0x1.7d8a12p-11f, 0x1.333954p-3f, 0x1.2fa31ap-3f, 0x1.03e73ep-4f, -0x1.5fa906p-11f, -0x1.81b31ap-6f,
     -0x1.7f65dep-6f, -0x1.212478p-6f, -0x1.5e890ep-7f, -0x1.9c510cp-8f, -0x1.d9f992p-9f, -0x1.365dd4p-9f,
     -0x1.915b8ep-11f, -0x1.feaaf2p-11f, -0x1.40cb62p-11f, -0x1.1cfc78p-14f, -0x1.027e7ap-11f, -0x1.0d6d28p-13f,
     -0x1.432dfcp-12f, 0x1.dc65ep-13f, 0x1.53f046p-12f, 0x1.fb51fcp-14f, 0x1.0b7894p-11f, 0x1.977e7p-12f,
     -0x1.b30514p-12f, -0x1.2c22bep-12f, -0x1.d49126p-15f, -0x1.da74e6p-12f, 0x1.26caf4p-13f, -0x1.13f77p-12f,
     -0x1.0f4ad4p-16f, 0x0p+0f},
    {0x1.07ef48p-3f, 0x1.dc74p-5f, -0x1.81cc74p-5f, -0x1.e4757ap-5f, -0x1.d27c08p-6f, -0x1.5de724p-8f, 0x1.c64cfp-9f,
     0x1.344122p-8f, 0x1.e6ca82p-9f, 0x1.40b842p-9f, 0x1.87c2dap-10f, 0x1.c9eea8p-11f, 0x1.08bdf2p-11f,
     0x1.2b0d0cp-12f, 0x1.531fccp-13f, 0x1.7ef12ep-14f, 0x1.acfbdcp-15f, 0x1.e2c76cp-16f, 0x1.0e55ecp-16f,
     0x1.30e4c6p-17f, 0x1.565dc8p-18f, 0x1.7f9cdep-19f, 0x1.b000c8p-20f, 0x1.e3fbaep-21f, 0x1.0da3f6p-21f,
     0x1.2f1baap-22f, 0x1.54be4cp-23f, 0x1.7c5528p-24f, 0x1.ad759ep-25f, 0x1.e02748p-26f, 0x1.0dd012p-26f,
     0x1.2d5046p-27f},
};
// 2^j log(1 + exp(r - j log 2)), |r| <= log(2) / 2, at place -j modulo 32
constexpr float kSoftplus[7][32] = {
    {0x1.62e43p-1f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1.fffffep-1f,
     0x1.fffffcp-1f, 0x1.fffff8p-1f, 0x1.fffffp-1f, 0x1.ffffep-1f, 0x1.ffffcp-1f, 0x1.ffff8p-1f, 0x1.ffffp-1f,
     0x1.fffep-1f, 0x1.fffcp-1f, 0x1.fff8p-1f, 0x1.fffp-1f, 0x1.ffe002p-1f, 0x1.ffc00ap-1f, 0x1.ff802ap-1f,
     0x1.ff00aap-1f, 0x1.fe02a6p-1f, 0x1.fc0a8cp-1f, 0x1.f829bp-1f, 0x1.f0a30cp-1f, 0x1.e27076p-1f, 0x1.c8ff7cp-1f,
     0x1.9f323ep-1f},
    {0x1.00000cp-1f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1p+0f, 0x1.fffffep-1f, 0x1.fffffep-1f,
     0x1.fffffap-1f, 0x1.fffff2p-1f, 0x1.ffffe2p-1f, 0x1.ffffc2p-1f, 0x1.ffff82p-1f, 0x1.ffff02p-1f, 0x1.fffe02p-1f,
     0x1.fffc02p-1f, 0x1.fff8p-1f, 0x1.fffp-1f, 0x1.ffe002p-1f, 0x1.ffc008p-1f, 0x1.ff802p-1f, 0x1.ff008p-1f,
     0x1.fe01fep-1f, 0x1.fc07fp-1f, 0x1.f81f82p-1f, 0x1.f07c1ep-1f, 0x1.e1e1ep-1f, 0x1.c71c7p-1f, 0x1.99999ap-1f,
     0x1.555554p-1f},
    {0x1.00060cp-3f, 0x1.fffffap-2f, 0x1.fffffap-2f, 0x1.fffff8p-2f, 0x1.fffff6p-2f, 0x1.ffffe6p-2f, 0x1.ffffb6p-2f,
     0x1.ffff7p-2f, 0x1.fffedep-2f, 0x1.fffffcp-2f, 0x1.fffff4p-2f, 0x1.ffffe4p-2f, 0x1.ffffc4p-2f, 0x1.ffff84p-2f,
     0x1.ffff04p-2f, 0x1.fffe04p-2f, 0x1.fffc04p-2f, 0x1.fff808p-2f, 0x1.fffp-2f, 0x1.ffe016p-2f, 0x1.ffc0aap-2f,
     0x1.ff80bcp-2f, 0x1.ff0104p-2f, 0x1.fe0216p-2f, 0x1.fc0618p-2f, 0x1.f81872p-2f, 0x1.f05d08p-2f, 0x1.e1718ep-2f,
     0x1.c5894cp-2f, 0x1.948c02p-2f, 0x1.47ae96p-2f, 0x1.c71dfcp-3f},
    {0x1.21551ep-13f, 0x1.555492p-3f, 0x1.55548cp-3f, 0x1.55548ap-3f, 0x1.555484p-3f, 0x1.55549p-3f, 0x1.55547ap-3f,
     0x1.5553fp-3f, 0x1.55542cp-3f, 0x1.555382p-3f, 0x1.555378p-3f, 0x1.555362p-3f, 0x1.555338p-3f, 0x1.5552e2p-3f,
     0x1.555238p-3f, 0x1.5550e2p-3f, 0x1.554e38p-3f, 0x1.5548e8p-3f, 0x1.553f4ep-3f, 0x1.552a4ap-3f, 0x1.55001ep-3f,
     0x1.54aaeep-3f, 0x1.5400d2p-3f, 0x1.52ad98p-3f, 0x1.500b98p-3f, 0x1.4ada62p-3f, 0x1.40b9fcp-3f, 0x1.2d8378p-3f,
     0x1.0acaeep-3f, 0x1.a38ae6p-4f, 0x1.0624dcp-4f, 0x1.949262p-6f},
    {-0x1.241d0ap-8f, 0x1.5559c4p-5f, 0x1.55598ep-5f, 0x1.555a78p-5f, 0x1.555b04p-5f, 0x1.5563b6p-5f, 0x1.55862ap-5f,
     0x1.55b2c4p-5f, 0x1.56110ep-5f, 0x1.555054p-5f, 0x1.55504p-5f, 0x1.555014p-5f, 0x1.554fcp-5f, 0x1.554f16p-5f,
     0x1.554dc2p-5f, 0x1.554b1cp-5f, 0x1.5545dcp-5f, 0x1.55381ap-5f, 0x1.552cb4p-5f, 0x1.54f83p-5f, 0x1.544c2cp-5f,
     0x1.53a1cep-5f, 0x1.524d9cp-5f, 0x1.4fb0dep-5f, 0x1.4abf08p-5f, 0x1.40238p-5f, 0x1.2d7922p-5f, 0x1.07c748p-5f,
     0x1.93dc8p-6f, 0x1.b51acep-7f, 0x1.0d577cp-10f, -0x1.982218p-8f},
    {0x1.efb078p-10f, 0x1.12393p-7f, 0x1.123c4ap-7f, 0x1.123cb4p-7f, 0x1.123eb6p-7f, 0x1.1234ecp-7f, 0x1.12378cp-7f,
     0x1.128b48p-7f, 0x1.128baap-7f, 0x1.12a814p-7f, 0x1.12a784p-7f, 0x1.12a7acp-7f, 0x1.12a6b6p-7f, 0x1.12a61p-7f,
     0x1.12a37ep-7f, 0x1.129faap-7f, 0x1.1296d6p-7f, 0x1.128242p-7f, 0x1.11edb6p-7f, 0x1.118314p-7f, 0x1.109984p-7f,
     0x1.0f859ep-7f, 0x1.0d6178p-7f, 0x1.09324p-7f, 0x1.010fcap-7f, 0x1.e0b194p-8f, 0x1.a54cecp-8f, 0x1.35f4fep-8f,
     0x1.187a84p-9f, -0x1.06e0acp-10f, -0x1.81923ep-9f, -0x1.0d5fb6p-9f},
    {0x1.179e0ap-9f, 0x1.69ac8ap-10f, 0x1.69dbdap-10f, 0x1.695b66p-10f, 0x1.692804p-10f, 0x1.640d6ep-10f,
     0x1.4c112ep-10f, 0x1.2f3cap-10f, 0x1.e3510ap-11f, 0x1.713cbp-10f, 0x1.713b4p-10f, 0x1.713b9ap-10f,
     0x1.71391ep-10f, 0x1.71351ap-10f, 0x1.712e88p-10f, 0x1.711e62p-10f, 0x1.70f406p-10f, 0x1.73111p-10f,
     0x1.6a28d4p-10f, 0x1.6e8ab8p-10f, 0x1.a2094p-10f, 0x1.9f4dc6p-10f, 0x1.9a23bap-10f, 0x1.8ad0d8p-10f,
     0x1.481596p-10f, 0x1.569186p-10f, 0x1.89d622p-12f, 0x1.5493e6p-11f, -0x1.8956f6p-12f, -0x1.047e28p-11f,
     -0x1.cf775p-12f, 0x1.bba79cp-12f},
};
// exp(a^2 / 2) Phi(-a) where a + 1 lies in an eighth of an octave, about its middle; places as eighth() gives them
constexpr float kMills[6][32] = {
    {0x1.f6704ep-3f, 0x1.bdb9f2p-3f, 0x1.8f6846p-3f, 0x1.690b32p-3f, 0x1.48de38p-3f, 0x1.2d938ap-3f, 0x1.1630fap-3f,
     0x1.01f838p-3f, 0x1.d0b31cp-4f, 0x1.99c2b6p-4f, 0x1.6e040ap-4f, 0x1.4a724ap-4f, 0x1.2d01fep-4f, 0x1.1445a6p-4f,
     0x1.fe6e5ep-5f, 0x1.da2caep-5f, 0x1.ac6292p-5f, 0x1.7b5f34p-5f, 0x1.545298p-5f, 0x1.34805ap-5f, 0x1.1a1574p-5f,
     0x1.03cf06p-5f, 0x1.e18ddcp-6f, 0x1.c0a9c4p-6f, 0x1.e76f76p-2f, 0x1.bb9424p-2f, 0x1.95b88ep-2f, 0x1.74d7e8p-2f,
     0x1.58207ep-2f, 0x1.3ee88ep-2f, 0x1.28a5d4p-2f, 0x1.14e6fep-2f},
    {-0x1.f7949ep-4f, -0x1.9851f2p-4f, -0x1.4ffe66p-4f, -0x1.18274ep-4f, -0x1.d8c1bcp-5f, -0x1.9328f6p-5f,
     -0x1.5b205ep-5f, -0x1.2d7c12p-5f, -0x1.ef2cc8p-6f, -0x1.85dc7cp-6f, -0x1.3a0094p-6f, -0x1.01c9bep-6f,
     -0x1.ae369ap-7f, -0x1.6c06bap-7f, -0x1.37c334p-7f, -0x1.0dd422p-7f, -0x1.b9fa6ap-8f, -0x1.5bcb4p-8f,
     -0x1.188feep-8f, -0x1.cdeeacp-9f, -0x1.82bdeep-9f, -0x1.486db4p-9f, -0x1.1a5102p-9f, -0x1.ea79b4p-10f,
     -0x1.7a0d5cp-2f, -0x1.45588cp-2f, -0x1.19baa6p-2f, -0x1.eacbbap-3f, -0x1.ade41cp-3f, -0x1.7a88e6p-3f,
     -0x1.4efb3p-3f, -0x1.29d78ap-3f},
    {0x1.b65646p-5f, 0x1.4a0848p-5f, 0x1.f9b192p-6f, 0x1.89a7a6p-6f, 0x1.36df4cp-6f, 0x1.f1a848p-7f, 0x1.930d8ap-7f,
     0x1.4a4028p-7f, 0x1.f2f572p-8f, 0x1.622682p-8f, 0x1.0316dp-8f, 0x1.852468p-9f, 0x1.2aee76p-9f, 0x1.d3ffb2p-10f,
     0x1.74d8b2p-10f, 0x1.2d5ffp-10f, 0x1.c0fedap-11f, 0x1.3ae03ap-11f, 0x1.c9de1ap-12f, 0x1.56eb4ap-12f,
     0x1.07433ep-12f, 0x1.9c88fap-13f, 0x1.4942cep-13f, 0x1.0adcdcp-13f, 0x1.cfd49ap-3f, 0x1.7e9f8ep-3f,
     0x1.3db18p-3f, 0x1.0980aap-3f, 0x1.be5252p-4f, 0x1.79761ap-4f, 0x1.410892p-4f, 0x1.129554p-4f},
    {-0x1.56acbcp-6f, -0x1.e3d862p-7f, -0x1.5c3edp-7f, -0x1.fe35fap-8f, -0x1.7bed9cp-8f, -0x1.1f4306p-8f,
     -0x1.b865cep-9f, -0x1.56258ap-9f, -0x1.dec3f8p-10f, -0x1.34a90ap-10f, -0x1.9cc68ap-11f, -0x1.1cfc4ap-11f,
     -0x1.94a2cp-12f, -0x1.261e44p-12f, -0x1.b5117ep-13f, -0x1.4ab81cp-13f, -0x1.c15f4ep-14f, -0x1.19b29ep-14f,
     -0x1.71fbf2p-15f, -0x1.f8fc3ap-16f, -0x1.63df46p-16f, -0x1.01a556p-16f, -0x1.7e0c7cp-17f, -0x1.21131ep-17f,
     -0x1.e4c268p-4f, -0x1.820812p-4f, -0x1.3580fap-4f, -0x1.f39e98p-5f, -0x1.959406p-5f, -0x1.4b80fap-5f,
     -0x1.1098eap-5f, -0x1.c30b3ap-6f},
    {0x1.f24088p-8f, 0x1.3dc62cp-8f, 0x1.a79114p-9f, 0x1.18dcccp-9f, 0x1.ac36bap-10f, 0x1.1c5a8ep-10f, 0x1.04f4fp-10f,
     0x1.3272bcp-11f, 0x1.b9764ep-12f, 0x1.faa798p-13f, 0x1.484134p-13f, 0x1.a4c6fep-14f, 0x1.e79566p-15f,
     0x1.9ed176p-15f, 0x1.eb5cd8p-16f, 0x1.92e40cp-16f, 0x1.b7f4c8p-17f, 0x1.01a72p-17f, 0x1.361f3cp-18f,
     0x1.777e92p-19f, 0x1.c33afap-20f, 0x1.7f024cp-20f, 0x1.d7ad28p-21f, 0x1.3e4b7ap-21f, 0x1.a917d6p-5f,
     0x1.2aa294p-5f, 0x1.00686p-5f, 0x1.7b6a8cp-6f, 0x1.c5a49p-6f, 0x1.7b0362p-6f, 0x1.2e38fcp-6f, 0x1.469cfap-7f},
    {-0x1.4b1b1cp-9f, -0x1.93475cp-10f, -0x1.e9a698p-11f, -0x1.3f2ce4p-11f, -0x1.c5c838p-12f, -0x1.1f24d8p-12f,
     -0x1.f6622p-13f, -0x1.01a3fcp-13f, -0x1.86963p-14f, -0x1.98799ap-15f, -0x1.eefed8p-16f, -0x1.218c7ap-16f,
     -0x1.320404p-17f, -0x1.ee759cp-18f, -0x1.0929c8p-18f, -0x1.c143aep-19f, -0x1.ab9aaap-20f, -0x1.c3cecep-21f,
     -0x1.ed6c06p-22f, -0x1.0f3e26p-22f, -0x1.32e2cap-23f, -0x1.cb9e9ap-24f, -0x1.1552e6p-24f, -0x1.62d864p-25f,
     -0x1.621e0cp-6f, -0x1.b682a4p-7f, -0x1.5dcbaap-7f, -0x1.ecaap-8f, -0x1.b11f04p-7f, -0x1.57b606p-7f,
     -0x1.fc6fdep-8f, -0x1.afee18p-9f},
};

}  // namespace
}  // namespace nnf

#endif  // NNF_SIMD_TABLES_INL_H
