use super::*;

#[test]
fn every_index_has_its_own_position() {
    let (mut segment, mut offset) = (0, 0);
    for index in 0..100_000 {
        if offset == len_of(segment) {
            assert_eq!(start_of(segment) + len_of(segment), start_of(segment + 1));
            (segment, offset) = (segment + 1, 0);
        }
        assert_eq!(position(index), (segment, offset));
        assert_eq!(start_of(segment) + offset, index);
        offset += 1;
    }
    let (last, _) = position(1 << 30);
    assert!(last < SEGMENTS, "there can be fewer threads than that");
}
