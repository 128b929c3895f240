// NIP-11: what this server tells everybody about itself as a relay.
#pragma once

#include <string>
#include <string_view>

#include "core/base/config.h"

namespace np2p {

// `open`: whoever asks may read here without proving anything.
std::string relay_document(const Config& config, std::string_view version, bool open);

}  // namespace np2p
