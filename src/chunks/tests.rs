use super::*;

#[test]
fn every_index_has_a_position_of_its_own() {
    let (mut chunk, mut offset) = (0, 0);
    for index in 0..100_000 {
        if offset == chunk_len(chunk) {
            assert_eq!(
                chunk_start(chunk) + chunk_len(chunk),
                chunk_start(chunk + 1)
            );
            (chunk, offset) = (chunk + 1, 0);
        }
        assert_eq!(position(index), (chunk, offset));
        assert_eq!(chunk_start(chunk) + offset, index);
        offset += 1;
    }
    let (last, _) = position(1 << 30);
    assert!(last < CHUNKS, "there can be fewer threads than that");
}
