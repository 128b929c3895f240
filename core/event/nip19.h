// NIP-19: bech32 names of keys and notes (npub, nsec, note). BIP-173 checksum; strict: one case, right length.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace np2p {

using SecretKey = FixedBytes<struct SecretKeyTag, 32>;  // exists only in clients, never in a server

std::string npub(const PubKey& key);
std::string nsec(const SecretKey& key);
std::string note(const EventId& id);

Result<PubKey> parse_npub(std::string_view text);
Result<SecretKey> parse_nsec(std::string_view text);
Result<EventId> parse_note(std::string_view text);
Result<PubKey> parse_public_key(std::string_view text);  // npub1... or 64 hex digits, as -p takes it

}  // namespace np2p
