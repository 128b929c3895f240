// What SQLite does not say when it takes up a write-ahead log after a crash: it reads up to the first frame whose
// checksum is wrong and forgets the rest. After a kill there is no such frame; where one is, the disk damaged the log,
// or a power cut left the end of it half written. Either way the log is kept, under another name, before it is reused.
#pragma once

#include <cstdint>
#include <string>

namespace np2p {

struct WalDamage {
  bool header = false;           // nothing of the log can be read
  std::int64_t good_frames = 0;  // that SQLite reads
  std::int64_t lost_frames = 0;  // of the same round of the log, from the first wrong checksum on
  [[nodiscard]] bool any() const noexcept { return header || lost_frames > 0; }
};

// Both throw DiskTrouble. The log must be at rest: nobody writes it meanwhile.
WalDamage examine_wal(const std::string& wal_path, const char* vfs);
// Copies the log beside itself and returns the copy's name.
std::string keep_damaged_wal(const std::string& wal_path, const char* vfs);

}  // namespace np2p
