#include "core/base/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "core/base/rng.h"

namespace np2p {
namespace {

Address parsed(std::string_view text) {
  const auto address = Address::parse(text);
  EXPECT_TRUE(address.ok()) << text;
  return address.ok() ? *address : Address{};
}

TEST(Address, TextSurvives) {
  for (const char* text :
       {"1.2.3.4:5", "0.0.0.0:0", "255.255.255.255:65535", "127.0.0.1:20000", "[::1]:20000", "[::]:1",
        "[2001:db8::1]:5", "[fe80::1:0:0:1]:9", "[1:2:3:4:5:6:7:8]:1", "[1::]:1", "[1:0:0:2::3]:1", "[0:1::]:7"}) {
    EXPECT_EQ(parsed(text).text(), text);
  }
}

TEST(Address, OtherSpellingsMeanTheSame) {
  EXPECT_EQ(parsed("[2001:DB8:0:0::0:1]:5"), parsed("[2001:db8::1]:5"));
  EXPECT_EQ(parsed("[::ffff:1.2.3.4]:5"), parsed("1.2.3.4:5"));
  EXPECT_EQ(parsed("[::ffff:102:304]:5"), parsed("1.2.3.4:5"));
  EXPECT_EQ(parsed("[64:ff9b::1.2.3.4]:5").text(), "[64:ff9b::102:304]:5");
  EXPECT_EQ(Address::v4(0x01020304, 5), parsed("1.2.3.4:5"));
}

TEST(Address, NonsenseIsRefusedWithAReason) {
  for (const char* text : {"",
                           ":",
                           "1.2.3.4",
                           "1.2.3.4:",
                           ":80",
                           "1.2.3:80",
                           "1.2.3.4.5:80",
                           "1.2.3.256:80",
                           "1.2.3.-4:80",
                           "1.2.3.4:65536",
                           "1.2.3.4:-1",
                           "1.2.3.4:+1",
                           "1.2.3.4: 1",
                           "1.2.3.4:1 ",
                           "1.2.3.4:0x1",
                           "a.b.c.d:1",
                           "example.org:80",
                           "[::1:80",
                           "::1:80",
                           "[]:80",
                           "[:]:80",
                           "[:::]:80",
                           "[1:2:3:4:5:6:7]:1",
                           "[1:2:3:4:5:6:7:8:9]:1",
                           "[1::2::3]:1",
                           "[1:2:3:4:5:6:7:8::]:1",
                           "[12345::]:1",
                           "[g::]:1",
                           "[1:]:1",
                           "[::1.2.3]:1",
                           "[1.2.3.4::]:1",
                           "[::1%lo]:1",
                           "[1:2:3:4:5:6:7:1.2.3.4]:1",
                           "1.2.3.4:1:2"}) {
    const auto address = Address::parse(text);
    ASSERT_FALSE(address.ok()) << text << " -> " << address->text();
    EXPECT_EQ(address.error().code, ErrorCode::malformed);
    EXPECT_FALSE(address.error().reason.empty());
  }
}

TEST(Address, AgreesWithTheSystemOnRandomV6) {
  Rng rng(1, "address");
  for (int round = 0; round < 3000; ++round) {
    Address address;
    for (std::size_t i = 0; i < 16; i += 2) {  // many zero groups, so that "::" has something to do
      if (rng.chance(1, 2)) continue;
      address.ip[i] = static_cast<std::uint8_t>(rng.chance(1, 2) ? 0 : rng.below(256));
      address.ip[i + 1] = static_cast<std::uint8_t>(rng.below(256));
    }
    address.port = 1;
    if (address.is_v4()) continue;
    char text[INET6_ADDRSTRLEN];
    ASSERT_NE(inet_ntop(AF_INET6, address.ip.data(), text, sizeof text), nullptr);
    EXPECT_EQ(parsed(std::string("[").append(text).append("]:1")), address);
    const std::string own = address.ip_text();
    std::array<std::uint8_t, 16> back{};
    ASSERT_EQ(inet_pton(AF_INET6, own.c_str(), back.data()), 1) << own;
    EXPECT_EQ(back, address.ip);
    EXPECT_EQ(parsed(address.text()), address);
  }
}

TEST(Address, KindsOfAddresses) {
  for (const char* text :
       {"10.0.0.1:1", "172.16.0.1:1", "172.31.255.255:1", "192.168.1.1:1", "100.64.0.1:1", "100.127.255.255:1",
        "169.254.1.1:1", "[fc00::1]:1", "[fd12::1]:1", "[fe80::1]:1", "[febf::1]:1", "[fec0::1]:1", "[feff::1]:1",
        "[64:ff9b::10.0.0.1]:1", "[64:ff9b::8.8.8.8]:1", "[2002:a00:1::1]:1", "[2002:808:808::1]:1"}) {
    EXPECT_TRUE(parsed(text).is_private()) << text;
  }
  for (const char* text :
       {"8.8.8.8:1", "11.0.0.1:1", "172.15.0.1:1", "172.32.0.1:1", "192.169.0.1:1", "100.63.0.1:1", "100.128.0.1:1",
        "198.18.0.1:1", "198.19.255.255:1", "127.0.0.1:1", "[2001:db8::1]:1", "[fe00::1]:1", "[fe7f::1]:1",
        "[64:ff9b:1::1]:1", "[64:ff9b::1:0:1]:1", "[2003::1]:1", "[2001:2::1]:1"}) {
    EXPECT_FALSE(parsed(text).is_private()) << text;
  }
  EXPECT_TRUE(parsed("127.0.0.1:1").is_loopback());
  EXPECT_TRUE(parsed("127.9.9.9:1").is_loopback());
  EXPECT_TRUE(parsed("[::1]:1").is_loopback());
  EXPECT_FALSE(parsed("[::2]:1").is_loopback());
  EXPECT_TRUE(parsed("0.0.0.0:1").is_unspecified());
  EXPECT_TRUE(parsed("[::]:1").is_unspecified());
  EXPECT_FALSE(parsed("[::1]:1").is_unspecified());
  EXPECT_TRUE(parsed("224.0.0.1:1").is_multicast());
  EXPECT_TRUE(parsed("[ff02::1]:1").is_multicast());
  EXPECT_FALSE(parsed("223.255.255.255:1").is_multicast());
}

TEST(Address, OrderAndHash) {
  EXPECT_LT(parsed("1.2.3.4:5"), parsed("1.2.3.4:6"));
  EXPECT_LT(parsed("1.2.3.4:9"), parsed("1.2.3.5:6"));
  const std::hash<Address> hash;
  EXPECT_EQ(hash(parsed("1.2.3.4:5")), hash(parsed("1.2.3.4:5")));
  EXPECT_NE(hash(parsed("1.2.3.4:5")), hash(parsed("1.2.3.4:6")));
}

}  // namespace
}  // namespace np2p
