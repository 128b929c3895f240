// A disk in memory under SQLite (a VFS), with the ways of real ones: what was not synced may be lost at a power cut,
// sector by sector and in any order; it can be full, refuse to sync, or lose power at a chosen operation. It counts.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.h"

namespace np2p::test {

class TestDisk {
 public:
  TestDisk();  // registers the VFS
  ~TestDisk();
  TestDisk(const TestDisk&) = delete;
  TestDisk& operator=(const TestDisk&) = delete;
  [[nodiscard]] const std::string& vfs() const noexcept { return name_; }

  // --- faults
  bool full = false;        // writes fail with "disk is full"
  bool syncs_fail = false;  // and what they covered counts as lost, as the kernel does it
  bool unreadable = false;
  // Loses power at the so-manieth operation (write, truncate, sync or delete) from now on; 0: never.
  void cut_power_after(std::uint64_t operations) { countdown_ = operations; }
  [[nodiscard]] bool has_power() const noexcept { return power_; }
  void cut_power() { power_ = false; }
  // Power again: of what was not synced only what the dice leave is there. Every file has to be closed.
  void restore_power(Rng& rng);

  // --- what is there
  [[nodiscard]] std::string read(const std::string& path) const;  // as the next reader sees it
  void write(const std::string& path, const std::string& bytes);  // and safe
  [[nodiscard]] bool exists(const std::string& path) const { return files_.count(path) != 0; }
  std::uint64_t syncs = 0;

 private:
  friend struct TestDiskCalls;
  struct Write {
    std::uint64_t offset;
    std::string bytes;
    bool truncate;
  };
  struct File {
    std::string now;
    std::string safe;
    bool safe_exists = false;
    std::vector<Write> unsafe;
  };
  bool operation();  // counts down; false if there is no power
  std::shared_ptr<File> file(const std::string& path);

  std::string name_;
  std::map<std::string, std::shared_ptr<File>> files_;
  std::uint64_t countdown_ = 0;
  bool power_ = true;
  struct Vfs;
  std::unique_ptr<Vfs> registered_;
};

}  // namespace np2p::test
