#include "core/base/frame.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/base/hash.h"

namespace np2p {
namespace {

Frame frame_of(std::string_view text) {
  return Frame(bytes_of(text));
}

TEST(Frame, HoldsACopyOfItsBytes) {
  ByteVec bytes{1, 2, 3};
  const Frame frame(bytes);
  bytes[0] = 9;
  EXPECT_EQ(to_hex(frame.view()), "010203");
  EXPECT_EQ(frame.size(), 3u);
  EXPECT_FALSE(frame.empty());
}

TEST(Frame, CopiesShareTheBytes) {
  const Frame frame = frame_of("hello");
  const Frame copy = frame;  // NOLINT: the copy is what is tested
  EXPECT_EQ(frame.view().data(), copy.view().data());
  Frame assigned;
  assigned = copy;
  EXPECT_EQ(frame.view().data(), assigned.view().data());
}

TEST(Frame, MovingLeavesNothingBehindAndSelfAssignmentKeeps) {
  Frame frame = frame_of("hello");
  Frame moved = std::move(frame);
  EXPECT_EQ(text_of(moved.view()), "hello");
  EXPECT_TRUE(frame.empty());  // NOLINT: moved from, on purpose
  Frame& self = moved;
  moved = self;
  EXPECT_EQ(text_of(moved.view()), "hello");
}

TEST(Frame, EmptyFramesAreAllTheSame) {
  EXPECT_EQ(Frame(), frame_of(""));
  EXPECT_TRUE(Frame().view().empty());
  EXPECT_EQ(Frame().hash(), hash_bytes({}));
}

TEST(Frame, EqualityAndHashAreOfTheContent) {
  EXPECT_EQ(frame_of("abc"), frame_of("abc"));
  EXPECT_FALSE(frame_of("abc") == frame_of("abd"));
  const Frame frame = frame_of("abc");
  EXPECT_EQ(frame.hash(), hash_bytes(bytes_of("abc")));
  EXPECT_EQ(frame.hash(), hash_bytes(bytes_of("abc")));  // the second time from the cache
}

TEST(Frame, DetachAndAttachKeepTheReference) {
  Frame frame = frame_of("in flight");
  const Frame other = frame;
  const std::uintptr_t handle = frame.detach();
  EXPECT_TRUE(frame.empty());
  const Frame back = Frame::attach(handle);
  EXPECT_EQ(back, other);
  EXPECT_TRUE(Frame::attach(Frame().detach()).empty());
}

TEST(Frame, MayBeSharedBetweenThreads) {
  const Frame frame = frame_of("shared");
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([frame] {
      for (int i = 0; i < 10'000; ++i) {
        const Frame copy = frame;  // NOLINT
        ASSERT_EQ(copy.hash(), hash_bytes(bytes_of("shared")));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace np2p
