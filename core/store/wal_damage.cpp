#include "core/store/wal_damage.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/store/side_file.h"

namespace np2p {

namespace {

constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::uint32_t kMagic = 0x377F0682;  // the lowest bit: checksums over big-endian words
constexpr int kCopies = 20;                   // then somebody has to look at the disk

std::uint32_t big_endian(ByteView bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | bytes[i];
  return value;
}

// The running checksum of SQLite's file format: each frame's goes on from the one before.
struct Checksum {
  bool words_are_big_endian = false;
  std::uint32_t first = 0;
  std::uint32_t second = 0;

  void add(ByteView bytes) {
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      first += word(bytes, at) + second;
      second += word(bytes, at + 4) + first;
    }
  }
  [[nodiscard]] bool is(ByteView bytes, std::size_t at) const {
    return big_endian(bytes, at) == first && big_endian(bytes, at + 4) == second;
  }

 private:
  [[nodiscard]] std::uint32_t word(ByteView bytes, std::size_t at) const {
    const std::uint32_t value = big_endian(bytes, at);
    if (words_are_big_endian) return value;
    return value >> 24 | (value >> 8 & 0xFF00) | (value << 8 & 0xFF0000) | value << 24;
  }
};

}  // namespace

WalDamage examine_wal(const std::string& wal_path, const char* vfs) {
  WalDamage damage;
  if (!has_content(wal_path, vfs)) return damage;
  const SideFile file(wal_path, vfs, SideFile::Mode::read);
  const std::int64_t size = file.size();
  if (size <= static_cast<std::int64_t>(kHeaderBytes)) return damage;
  std::array<std::uint8_t, kHeaderBytes> header{};
  file.read(header, 0);
  const ByteView head(header);
  Checksum sum{.words_are_big_endian = (big_endian(head, 0) & 1) != 0};
  sum.add(head.first(kFrameHeaderBytes));
  const std::uint32_t page = big_endian(head, 8);
  if ((big_endian(head, 0) & ~1U) != kMagic || !sum.is(head, 24) || page < 512 || page > 65536) {
    damage.header = true;
    return damage;
  }
  std::vector<std::uint8_t> bytes(kFrameHeaderBytes + page);
  const ByteView frame(bytes);
  const auto step = static_cast<std::int64_t>(bytes.size());
  bool readable = true;
  for (std::int64_t at = kHeaderBytes; at + step <= size; at += step) {
    file.read(bytes, at);
    // Frames of an earlier round, behind the end of this one, carry other salts.
    const bool of_this_round = std::equal(frame.begin() + 8, frame.begin() + 16, head.begin() + 16);
    if (readable) {
      sum.add(frame.first(8));
      sum.add(frame.subspan(kFrameHeaderBytes));
      readable = of_this_round && sum.is(frame, 16);
    }
    if (readable) {
      ++damage.good_frames;
    } else if (of_this_round) {
      ++damage.lost_frames;
    }
  }
  return damage;
}

std::string keep_damaged_wal(const std::string& wal_path, const char* vfs) {
  int number = 1;
  while (has_content(wal_path + ".damaged-" + std::to_string(number), vfs)) {
    if (++number > kCopies) throw DiskTrouble{SQLITE_CORRUPT, "its log was damaged again and again"};
  }
  const std::string copy_path = wal_path + ".damaged-" + std::to_string(number);
  const SideFile from(wal_path, vfs, SideFile::Mode::read);
  SideFile to(copy_path, vfs, SideFile::Mode::create);
  const std::int64_t size = from.size();
  std::vector<std::uint8_t> buffer(64 * 1024);
  for (std::int64_t at = 0; at < size; at += static_cast<std::int64_t>(buffer.size())) {
    if (size - at < static_cast<std::int64_t>(buffer.size())) buffer.resize(static_cast<std::size_t>(size - at));
    from.read(buffer, at);
    to.write(buffer, at);
  }
  to.sync();
  return copy_path;
}

}  // namespace np2p
