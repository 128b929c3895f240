// The corpora of the fuzz targets for ordinary tests: every file, and mutations of them, the same in every run.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/rng.h"

namespace np2p::fuzz {

inline std::vector<ByteVec> corpus(const std::string& name) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(NP2P_VECTORS "/../fuzz/corpus/" + name)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<ByteVec> files;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  EXPECT_GE(files.size(), 3u) << name;
  return files;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : rng_(seed, "mutator") {}

  ByteVec mutate(const std::vector<ByteVec>& files) {
    ByteVec bytes = files[rng_.below(files.size())];
    const std::uint64_t changes = 1 + rng_.below(4);
    for (std::uint64_t i = 0; i < changes; ++i) change(bytes, files);
    return bytes;
  }

 private:
  void change(ByteVec& bytes, const std::vector<ByteVec>& files) {
    const auto at = static_cast<std::ptrdiff_t>(rng_.below(bytes.size() + 1));
    const auto rest = static_cast<std::uint64_t>(static_cast<std::ptrdiff_t>(bytes.size()) - at);
    const auto size = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(rest, 1 + rng_.below(20)));
    switch (rng_.below(6)) {
      case 0:  // one bit
        if (rest > 0) bytes[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1u << rng_.below(8));
        break;
      case 1: {  // a byte that means something: a header, a bracket, an end of a range
        static constexpr std::uint8_t kMarks[] = {0x00, 0x7f, 0x80, 0x90, 0xa0, 0xc0, 0xc1, 0xc4,
                                                  0xc6, 0xc9, 0xca, 0xcb, 0xcf, 0xd3, 0xdb, 0xdd,
                                                  0xdf, 0xff, '"',  '[',  '{',  '}',  '\\', '-'};
        if (rest > 0) bytes[static_cast<std::size_t>(at)] = kMarks[rng_.below(std::size(kMarks))];
        break;
      }
      case 2:
        bytes.erase(bytes.begin() + at, bytes.begin() + at + size);
        break;
      case 3: {  // some of it again
        const ByteVec copy(bytes.begin() + at, bytes.begin() + at + size);
        bytes.insert(bytes.begin() + at, copy.begin(), copy.end());
        break;
      }
      case 4: {  // the end of another file
        const ByteVec& other = files[rng_.below(files.size())];
        bytes.resize(static_cast<std::size_t>(at));
        bytes.insert(bytes.end(), other.begin() + std::min(at, static_cast<std::ptrdiff_t>(other.size())), other.end());
        break;
      }
      default:  // cut off
        bytes.resize(static_cast<std::size_t>(at));
    }
  }
  Rng rng_;
};

template <class Target>
void run(const std::string& name, Target&& target) {
  const auto files = corpus(name);
  for (const ByteVec& file : files) target(file);
  Mutator mutator(1);
  for (int i = 0; i < 10'000; ++i) target(mutator.mutate(files));
}

}  // namespace np2p::fuzz
