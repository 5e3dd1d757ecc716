use super::linux::OldStacks;

#[test]
fn an_old_stack_is_reused_once_for_its_size() {
    let mut stacks = OldStacks::new();
    assert!(!stacks.take(7));
    stacks.add(7);
    assert!(!stacks.take(8));
    assert!(stacks.take(7));
    assert!(!stacks.take(7));
}

#[test]
fn small_stacks_do_not_displace_large_ones() {
    let mut stacks = OldStacks::new();
    stacks.add(7);
    (0..100).for_each(|_| stacks.add(1));
    assert!(stacks.take(7));
}
