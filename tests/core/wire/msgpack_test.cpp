// Our reader and writer against msgpack-cxx, which knows nothing of them.
#include "core/wire/msgpack.h"

#include <gtest/gtest.h>

#include <functional>
#include <msgpack.hpp>
#include <sstream>

#include "core/base/rng.h"

namespace np2p {
namespace {

using np2p::msgpack::Reader;
using np2p::msgpack::Writer;

ByteVec packed(const std::function<void(::msgpack::packer<std::ostringstream>&)>& pack) {
  std::ostringstream out;
  ::msgpack::packer<std::ostringstream> packer(out);
  pack(packer);
  const std::string text = out.str();
  return {text.begin(), text.end()};
}

TEST(MsgpackWriter, AnotherLibraryReadsWhatIsWritten) {
  std::string bytes;
  Writer out(bytes);
  out.array(6);
  out.nil();
  out.uint16(3);
  out.uint64(5);
  out.float64(7);
  out.map(1);
  out.str("key");
  out.bin("value");
  out.array(0);
  const auto handle = ::msgpack::unpack(bytes.data(), bytes.size());
  const auto& array = handle.get().via.array;
  ASSERT_EQ(array.size, 6u);
  EXPECT_TRUE(array.ptr[0].is_nil());
  EXPECT_EQ(array.ptr[1].as<int>(), 3);
  EXPECT_EQ(array.ptr[2].as<int>(), 5);
  EXPECT_EQ(array.ptr[3].type, ::msgpack::type::FLOAT64);
  EXPECT_EQ(array.ptr[3].as<double>(), 7);
  EXPECT_EQ(array.ptr[4].via.map.ptr[0].key.as<std::string>(), "key");
  EXPECT_EQ(array.ptr[4].via.map.ptr[0].val.type, ::msgpack::type::BIN);
  EXPECT_EQ(array.ptr[5].via.array.size, 0u);
}

TEST(MsgpackWriter, NumbersKeepTheirWidth) {
  std::string bytes;
  Writer out(bytes);
  out.uint16(1);
  out.uint64(1);
  out.float64(1);
  EXPECT_EQ(to_hex(bytes_of(bytes)), "cd0001cf0000000000000001cb3ff0000000000000");
}

TEST(MsgpackWriter, HeadersAreThoseOfTheOtherLibrary) {
  for (const std::uint32_t size : {0u, 1u, 15u, 16u, 31u, 32u, 255u, 256u, 65535u, 65536u, 100000u}) {
    const std::string text(size, 'x');
    std::string bytes;
    Writer out(bytes);
    out.str(text);
    out.bin(text);
    out.array(size);
    out.map(size);
    const ByteVec other = packed([&](auto& p) {
      p.pack_str(size);
      p.pack_str_body(text.data(), size);
      p.pack_bin(size);
      p.pack_bin_body(text.data(), size);
      p.pack_array(size);
      p.pack_map(size);
    });
    EXPECT_TRUE(text_of(other) == bytes) << size;
  }
}

TEST(MsgpackReader, ReadsIntegersOfEveryWidth) {
  for (unsigned bits = 0; bits < 64; ++bits) {
    for (const std::uint64_t value : {(std::uint64_t{1} << bits) - 1, std::uint64_t{1} << bits}) {
      const ByteVec bytes = packed([&](auto& p) { p.pack(value); });
      Reader in(bytes, 8);
      EXPECT_EQ(in.unsigned_int(), value);
      EXPECT_TRUE(in.at_end());
      if (value > INT64_MAX) continue;
      const ByteVec as_signed = packed([&](auto& p) { p.pack_fix_int64(static_cast<std::int64_t>(value)); });
      EXPECT_EQ(Reader(as_signed, 8).unsigned_int(), value);
    }
  }
  for (const std::int64_t negative : {std::int64_t{-1}, std::int64_t{-33}, std::int64_t{-40000}, INT64_MIN}) {
    const ByteVec bytes = packed([&](auto& p) { p.pack(negative); });
    Reader in(bytes, 8);
    EXPECT_FALSE(in.unsigned_int().has_value());
    EXPECT_FALSE(in.broken());
  }
}

// A random value of everything that MessagePack has.
void pack_random(::msgpack::packer<std::ostringstream>& p, Rng& rng, int depth) {
  const auto small = [&] { return static_cast<std::uint32_t>(rng.below(rng.chance(1, 10) ? 70000 : 20)); };
  const std::uint64_t type = rng.below(depth == 0 ? 7 : 9);
  if (type == 0) {
    p.pack_nil();
  } else if (type == 1) {
    p.pack(rng.chance(1, 2));
  } else if (type == 2) {
    const std::uint64_t shift = rng.below(64);
    p.pack(static_cast<std::int64_t>(rng.next() >> shift));
  } else if (type == 3) {
    p.pack(static_cast<double>(rng.next()) / 3.0);
  } else if (type == 4) {
    p.pack(std::string(small(), 's'));
  } else if (type == 5) {
    const std::string bytes(small(), 'b');
    p.pack_bin(static_cast<std::uint32_t>(bytes.size()));
    p.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  } else if (type == 6) {
    const std::uint64_t size_class = rng.below(7);
    const std::size_t sizes[] = {1, 2, 4, 8, 16, 300, 70000};
    const std::string bytes(sizes[size_class], 'e');
    p.pack_ext(bytes.size(), 5);
    p.pack_ext_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  } else {
    const auto count = static_cast<std::uint32_t>(rng.below(20));
    if (type == 7) {
      p.pack_array(count);
    } else {
      p.pack_map(count);
    }
    for (std::uint32_t i = 0; i < (type == 7 ? count : 2 * count); ++i) pack_random(p, rng, depth - 1);
  }
}

TEST(MsgpackReader, SkipsExactlyOneValueOfAnyKind) {
  Rng rng(1, "msgpack");
  for (int round = 0; round < 400; ++round) {
    ByteVec bytes = packed([&](auto& p) { pack_random(p, rng, 2); });
    const std::size_t size = bytes.size();
    bytes.push_back(0xc0);
    Reader in(bytes, 8);
    ASSERT_TRUE(in.skip());
    ASSERT_EQ(in.remaining(), 1u);
    Reader cut(ByteView(bytes).first(size - 1), 8);
    ASSERT_FALSE(cut.skip());
    ASSERT_TRUE(cut.broken());
  }
}

TEST(MsgpackReader, NestingIsBounded) {
  const auto nested = [](std::size_t depth) {
    ByteVec bytes(depth, 0x91);
    bytes.push_back(0xc0);
    return bytes;
  };
  const ByteVec allowed = nested(8);
  EXPECT_TRUE(Reader(allowed, 8).skip());
  const ByteVec too_deep = nested(9);
  EXPECT_FALSE(Reader(too_deep, 8).skip());
  const ByteVec absurd = nested(1'000'000);
  EXPECT_FALSE(Reader(absurd, 8).skip());
}

TEST(MsgpackReader, OneByteMarksAtTheEndAreBroken) {
  for (unsigned mark = 0; mark < 256; ++mark) {
    const ByteVec bytes{static_cast<std::uint8_t>(mark)};
    Reader in(bytes, 8);
    const bool whole =
        mark <= 0x80 || mark == 0x90 || mark == 0xa0 || mark == 0xc0 || mark == 0xc2 || mark == 0xc3 || mark >= 0xe0;
    EXPECT_EQ(in.skip(), whole) << mark;
    EXPECT_EQ(in.broken(), !whole) << mark;
  }
}

TEST(MsgpackReader, AnotherTypeIsNotBroken) {
  const ByteVec number{0x05};
  Reader in(number, 8);
  EXPECT_FALSE(in.str().has_value() || in.bin().has_value() || in.array().has_value() || in.map().has_value());
  EXPECT_FALSE(in.nil());
  EXPECT_FALSE(in.broken());
  EXPECT_EQ(in.unsigned_int(), 5u);
  EXPECT_FALSE(in.unsigned_int().has_value());
  EXPECT_TRUE(in.broken());
}

}  // namespace
}  // namespace np2p
