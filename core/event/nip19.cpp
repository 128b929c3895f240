#include "core/event/nip19.h"

#include <cstdint>

namespace np2p {
namespace {

constexpr char kAlphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kGroups = 52;  // 32 bytes in groups of five bits, four bits of padding
constexpr std::size_t kChecksum = 6;

// BIP-173's checksum: a BCH code over GF(32).
class Checksum {
 public:
  explicit Checksum(std::string_view prefix) noexcept {
    for (const char c : prefix) add(static_cast<std::uint32_t>(c) >> 5);
    add(0);
    for (const char c : prefix) add(static_cast<std::uint32_t>(c) & 31);
  }
  void add(std::uint32_t group) noexcept {
    static constexpr std::array<std::uint32_t, 5> kGenerator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                                             0x2a1462b3};
    const std::uint32_t top = state_ >> 25;
    state_ = (state_ & 0x1ffffff) << 5 ^ group;
    for (unsigned i = 0; i < kGenerator.size(); ++i) {
      if ((top >> i & 1) != 0) state_ ^= kGenerator[i];
    }
  }
  [[nodiscard]] std::uint32_t state() const noexcept { return state_; }

 private:
  std::uint32_t state_ = 1;
};

std::string encode(std::string_view prefix, ByteView bytes) {
  std::string text(prefix);
  text.push_back('1');
  Checksum checksum(prefix);
  std::uint32_t bits = 0;
  unsigned count = 0;
  const auto put = [&](std::uint32_t group) {
    checksum.add(group);
    text.push_back(kAlphabet[group]);
  };
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8 | byte) & 0xfff;
    count += 8;
    while (count >= 5) {
      count -= 5;
      put(bits >> count & 31);
    }
  }
  if (count > 0) put(bits << (5 - count) & 31);
  Checksum closing = checksum;
  for (std::size_t i = 0; i < kChecksum; ++i) closing.add(0);
  const std::uint32_t sum = closing.state() ^ 1;
  for (unsigned i = 0; i < kChecksum; ++i) text.push_back(kAlphabet[sum >> (5 * (kChecksum - 1 - i)) & 31]);
  return text;
}

bool to_lower(std::string_view text, std::string& out) {
  bool lower = false;
  bool upper = false;
  for (const char c : text) {
    lower |= c >= 'a' && c <= 'z';
    upper |= c >= 'A' && c <= 'Z';
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return !(lower && upper);
}

// The reasons never quote the text: it may be a secret key.
template <class Value>
Result<Value> decode(std::string_view prefix, std::string_view text) {
  const auto refuse = [&](const char* why) {
    return np2p::error(ErrorCode::malformed, "not an " + std::string(prefix) + " name: " + why);
  };
  if (text.size() != prefix.size() + 1 + kGroups + kChecksum) return refuse("its length is wrong");
  std::string lower;
  if (!to_lower(text, lower)) return refuse("it mixes upper and lower case");
  if (lower.compare(0, prefix.size(), prefix) != 0 || lower[prefix.size()] != '1')
    return refuse("it begins differently");
  Checksum checksum(prefix);
  Value value;
  std::size_t filled = 0;
  std::uint32_t bits = 0;
  unsigned count = 0;
  const std::string_view alphabet(kAlphabet, 32);
  for (std::size_t i = 0; i < kGroups + kChecksum; ++i) {
    const std::size_t group = alphabet.find(lower[prefix.size() + 1 + i]);
    if (group == std::string_view::npos) return refuse("it has a character that bech32 does not use");
    checksum.add(static_cast<std::uint32_t>(group));
    if (i >= kGroups) continue;
    bits = (bits << 5 | static_cast<std::uint32_t>(group)) & 0xfff;
    count += 5;
    if (count >= 8) {
      count -= 8;
      value.data[filled++] = static_cast<std::uint8_t>(bits >> count);
    }
  }
  if (checksum.state() != 1) return refuse("its checksum is wrong (mistyped?)");
  if ((bits & ((1u << count) - 1)) != 0) return refuse("its padding is not zero");
  return value;
}

}  // namespace

std::string npub(const PubKey& key) {
  return encode("npub", key.view());
}

std::string nsec(const SecretKey& key) {
  return encode("nsec", key.view());
}

std::string note(const EventId& id) {
  return encode("note", id.view());
}

Result<PubKey> parse_npub(std::string_view text) {
  return decode<PubKey>("npub", text);
}

Result<SecretKey> parse_nsec(std::string_view text) {
  return decode<SecretKey>("nsec", text);
}

Result<EventId> parse_note(std::string_view text) {
  return decode<EventId>("note", text);
}

Result<PubKey> parse_public_key(std::string_view text) {
  if (const auto key = PubKey::parse_hex(text)) return *key;
  if (text.substr(0, 4) == "nsec") {
    return error(ErrorCode::malformed, "this is a secret key (nsec); a server takes only the public one (npub)");
  }
  if (text.substr(0, 4) == "npub" || text.substr(0, 4) == "NPUB") return parse_npub(text);
  return error(ErrorCode::malformed, "a public key is npub1... or 64 hex digits");
}

}  // namespace np2p
