// The version, in one place.
#pragma once

#include <string_view>

namespace np2p::real {

inline constexpr std::string_view kVersion = "0.1.0";
inline constexpr std::string_view kVersionLine = "nostrp2p v0.1.0";

}  // namespace np2p::real
