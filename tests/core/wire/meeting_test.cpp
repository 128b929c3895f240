#include "core/wire/meeting.h"

#include <gtest/gtest.h>

namespace np2p::swarm {
namespace {

constexpr NatClass kPublic{Mapping::none, Filtering::independent};
constexpr NatClass kFullCone{Mapping::independent, Filtering::independent};
constexpr NatClass kRestricted{Mapping::independent, Filtering::address};
constexpr NatClass kPortRestricted{Mapping::independent, Filtering::port};
constexpr NatClass kSymmetric{Mapping::dependent, Filtering::port};

Meeting sample() {
  Meeting meeting;
  meeting.step = Meeting::Step::start;
  meeting.tunnel = 0x0102030405060708u;
  meeting.nat = kRestricted;
  meeting.listens = Address::v4(0x0B000001u, 20'000);
  meeting.mapped = Address::v4(0x0B000002u, 0);
  meeting.lan = Address::v4(0xC0A80002u, 20'000);
  return meeting;
}

TEST(Meetings, ComeBackAsTheyWere) {
  EXPECT_EQ(*decode_meeting(encode_meeting(sample()).view()), sample());
  EXPECT_EQ(*decode_meeting(encode_meeting({}).view()), Meeting{});
}

TEST(Meetings, WhatIsCutIsRefusedAndWhatALaterVersionAddsIgnored) {
  const Frame frame = encode_meeting(sample());
  for (std::size_t size = 0; size < frame.size(); ++size) {
    EXPECT_FALSE(decode_meeting(frame.view().first(size)).ok()) << size;
  }
  ByteVec longer(frame.view().begin(), frame.view().end());
  longer.push_back(9);
  EXPECT_EQ(*decode_meeting(longer), sample());
  longer[0] = 200;
  EXPECT_FALSE(decode_meeting(longer).ok());
}

TEST(NatClasses, ComeBackFromTheirByte) {
  for (const NatClass nat : {NatClass{}, kPublic, kFullCone, kRestricted, kPortRestricted, kSymmetric}) {
    EXPECT_EQ(nat_class_of(to_byte(nat)), nat);
  }
  EXPECT_EQ(nat_class_of(0xFF), NatClass{});
  EXPECT_EQ(name(kPortRestricted), "port restricted");
  EXPECT_EQ(name(NatClass{}), "unknown");
}

TEST(NatClasses, WhoCanPunchWithWhom) {
  const NatClass all[] = {kFullCone, kRestricted, kPortRestricted, kSymmetric};
  constexpr bool kMeet[4][4] = {
      {true, true, true, true}, {true, true, true, true}, {true, true, true, false}, {true, true, false, false}};
  for (std::size_t a = 0; a < 4; ++a) {
    for (std::size_t b = 0; b < 4; ++b) EXPECT_EQ(can_punch(all[a], all[b]), kMeet[a][b]) << a << b;
  }
  EXPECT_TRUE(can_punch(NatClass{}, NatClass{}));
  EXPECT_FALSE(can_punch(NatClass{Mapping::dependent, {}}, kSymmetric));
}

}  // namespace
}  // namespace np2p::swarm
