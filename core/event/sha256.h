// SHA-256, the hash of Nostr and of everything here that must not collide.
#pragma once

#include <array>
#include <initializer_list>

#include "core/base/bytes.h"

namespace np2p {

using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha256(ByteView bytes);
Sha256 sha256(std::initializer_list<ByteView> parts);  // of the parts one after the other

}  // namespace np2p
